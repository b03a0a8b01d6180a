/** Device status, reset and what may happen between the two [2.1, 2.4, 3.1, 3.3]. */
import { NO_VECTOR } from "../../wire/legacy-registers.ts";
import { describeStatus, STATUS } from "../../wire/status.ts";
import { rule } from "../moments.ts";

const bits = (value: number): number => value.toString(2).replaceAll("0", "").length;
const failed = (status: number): boolean => (status & STATUS.FAILED) !== 0;

export const statusRules = [
  rule("STATUS-DRV-01", "write", ({ name, value, view }) => {
    const added = value & ~view.status & ~STATUS.FAILED & ~STATUS.FEATURES_OK;
    if (name !== "status" || value === 0 || added === 0 || failed(view.status)) return false;
    const below = value & (added - 1) & (STATUS.ACKNOWLEDGE | STATUS.DRIVER);
    const skips = bits(added) > 1 || below !== ((added - 1) & (STATUS.ACKNOWLEDGE | STATUS.DRIVER));
    return skips && `status goes from ${describeStatus(view.status)} to ${describeStatus(value)}`;
  }),
  rule("STATUS-DRV-02", "write", ({ name, value, view }) => {
    const lost = view.status & ~value;
    return (
      name === "status" &&
      value !== 0 &&
      lost !== 0 &&
      `${describeStatus(lost)} is taken away without a reset`
    );
  }),
  rule("STATUS-DRV-03", "write", ({ name, value, view }) =>
    name === "status" && value !== 0 && failed(view.status) && value !== view.status
      ? `status ${describeStatus(value)} is written after FAILED`
      : undefined,
  ),
  rule("STATUS-DRV-11", "write", ({ name, value, view }) => {
    const goesOn = name === "queuePfn" ? value !== 0 : name === "queueVector" && value !== NO_VECTOR;
    return failed(view.status) && goesOn && `${name} is set to ${value} after FAILED`;
  }),
  rule(
    "STATUS-DRV-11",
    "kick",
    ({ view, device, index }) =>
      failed(view.status) && device.driverOrdered && `queue ${index} is kicked after FAILED`,
  ),
  rule("STATUS-DRV-05", "write", ({ name, value, device }) =>
    name === "status" && value !== 0 && !device.session.resetSeen && !device.session.statusWritten
      ? `status ${describeStatus(value)} is written before the reset was seen to be complete`
      : undefined,
  ),
  rule("STATUS-DRV-10", "write", ({ name, value, view }) =>
    name === "status" && value === 0 && (view.status & ~STATUS.ACKNOWLEDGE) === STATUS.DRIVER
      ? "initialisation is given up by a reset, without FAILED"
      : undefined,
  ),
  rule("STATUS-DEV-04", "read", ({ name, value, device }) =>
    name === "status" && device.resets === 0 && !device.session.statusWritten && value !== 0
      ? `status reads ${describeStatus(value)} before anybody wrote it`
      : undefined,
  ),
  rule("STATUS-DEV-05", "read", ({ name, value, device }) =>
    name === "status" && device.resets > 0 && !device.session.statusWritten && value !== 0
      ? `status reads ${describeStatus(value)} after a reset`
      : undefined,
  ),
  rule("STATUS-DEV-06", "stray", ({ side, retired, label, device }) =>
    side === "device" && retired && device.session.resetSeen
      ? `${label}, on a ring that was reset`
      : undefined,
  ),
  rule("STATUS-DEV-06", "isr", ({ device, view, bits }) =>
    device.resets > 0 && view.status === 0 && device.session.resetSeen
      ? `ISR bits ${bits} are set while the device is reset`
      : undefined,
  ),
  rule(
    "STATUS-DRV-14",
    "store",
    ({ slot, queue }) => {
      const owner = queue.owners[slot];
      return owner && `descriptor ${slot} is written while head ${owner.head} is outstanding`;
    },
    { side: "driver", fields: ["descriptor"] },
  ),
  rule("STATUS-DRV-15", "write", ({ name, value, device, view }) => {
    const queue = device.queues.get(view.select);
    if (name !== "queuePfn" || value !== 0 || queue === undefined) return false;
    const { size } = queue.outstanding;
    return size > 0 && `queue ${queue.index} is taken down with ${size} buffers outstanding and no reset`;
  }),
  rule("LEGACY-DRV-04", "write", ({ name, value, view }) => {
    if (name === "status") {
      const added = value & ~view.status;
      return (added & STATUS.FEATURES_OK) !== 0 && "FEATURES_OK is set on the legacy interface";
    }
    const needsDriver = name === "guestFeatures" || (name === "queuePfn" && value !== 0);
    const early = (view.status & STATUS.DRIVER) === 0 && !failed(view.status);
    return needsDriver && early && `${name} is written before the DRIVER bit`;
  }),
  rule("LEGACY-DRV-14", "write", ({ name, view }) =>
    name === "guestFeatures" && failed(view.status) ? "features are written after FAILED" : undefined,
  ),
];
