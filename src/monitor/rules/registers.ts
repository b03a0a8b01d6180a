/** The legacy register block: widths, vectors, queue set-up, ISR [4.1.4.5, 4.1.4.10, 4.1.5; 0.9.5, 2.2, 2.4]. */
import { ISR, LEGACY, type LegacyRegister, NO_VECTOR } from "../../wire/legacy-registers.ts";
import { PAGE_SIZE } from "../../wire/numbers.ts";
import { isQueueSize, ringLayout } from "../../wire/ring.ts";
import { STATUS } from "../../wire/status.ts";
import { isAnotherCpus } from "../model.ts";
import type { Moments } from "../moments.ts";
import { rule } from "../moments.ts";
import type { VectorDue } from "../session.ts";

const isVector = (name: LegacyRegister): name is "configVector" | "queueVector" =>
  name === "configVector" || name === "queueVector";

/** The first look at a vector register after it was written. */
function readBack(
  { name, value, device, view }: Moments["read"],
  broken: (due: VectorDue, read: number, size: number) => boolean,
): string | undefined {
  const due = device.session.vectorDue;
  const size = view.msixVectors;
  if (due === undefined || due.name !== name || size === undefined || !broken(due, value, size)) {
    return undefined;
  }
  return `${LEGACY[name].name} ${due.vector} was written, ${value} reads back (table size ${size})`;
}

/** A vector register read that nobody wrote since the reset. */
function unwritten({ name, value, device, view }: Moments["read"]): boolean {
  if (!isVector(name) || value === NO_VECTOR) return false;
  return !device.session.vectorsWritten.has(name === "configVector" ? "config" : String(view.select));
}

export const registerRules = [
  rule("LEGACY-DRV-12", "odd", ({ offset, width, write, view }) => {
    const config = view.msixEnabled && offset >= LEGACY.configVector.offset;
    return !config && `${width}-byte ${write ? "write" : "read"} at offset ${offset}`;
  }),
  rule("LEGACY-DRV-06", "odd", ({ offset, width, view }) =>
    view.msixEnabled && offset >= LEGACY.configVector.offset
      ? `${width}-byte access at offset ${offset}: configuration is at 24 while MSI-X is on`
      : undefined,
  ),
  rule("LEGACY-DRV-10", "write", ({ name }) =>
    name === "queueSize" ? "the queue size is written" : undefined,
  ),
  rule("LEGACY-DEV-16", "read", ({ name, value }) =>
    name === "queueSize" && value !== 0 && !isQueueSize(value) ? `queue size ${value}` : undefined,
  ),
  rule("SPLIT-DRV-02", "write", ({ name, value, view }) => {
    const size = view.queues.get(view.select)?.size;
    const bad = size !== undefined && size !== 0 && !isQueueSize(size);
    return name === "queuePfn" && value !== 0 && bad && `a queue of ${size} entries is put to use`;
  }),
  rule("LEGACY-DRV-02", "write", ({ name, value, device, view }) =>
    name === "queuePfn" && value !== 0 && !device.session.sizeReads.has(view.select)
      ? `queue ${view.select} gets a ring without its size having been read`
      : undefined,
  ),
  rule("FEAT-DRV-09", "write", ({ name, value, view, peek }) => {
    const size = view.queues.get(view.select)?.size ?? 0;
    if (name !== "queuePfn" || value === 0 || !isQueueSize(size) || peek.ram.offsetOf(value, 1) >= 0)
      return false;
    const outside = peek.ram.offsetOf(value * PAGE_SIZE, ringLayout(size).bytes) < 0;
    return (
      outside && `the ring of queue ${view.select} at 0x${(value * PAGE_SIZE).toString(16)} is not in RAM`
    );
  }),
  rule("LEGACY-DRV-09", "write", ({ name, value, view, peek }) => {
    const size = view.queues.get(view.select)?.size ?? 0;
    if (name !== "queuePfn" || value === 0 || !isQueueSize(size)) return false;
    const asBytes = peek.ram.offsetOf(value, 1) >= 0 && peek.ram.offsetOf(value * PAGE_SIZE, 1) < 0;
    return asBytes && `0x${value.toString(16)} is an address, not a page number`;
  }),
  rule("LEGACY-DRV-17", "write", (moment) => {
    const ring = newRing(moment);
    if (ring === undefined) return false;
    const bytes = moment.peek.bytes(
      [{ address: ring.address, length: ring.layout.bytes, writable: false }],
      0,
      ring.layout.bytes,
    );
    bytes[ring.layout.usedFlags] = 0;
    bytes[ring.layout.usedFlags + 1] = 0;
    const at = bytes.findIndex((byte) => byte !== 0);
    return at >= 0 && `the ring of queue ${moment.view.select} is not zero at offset ${at}`;
  }),
  rule("SPLIT-DRV-23", "write", (moment) => {
    const ring = newRing(moment);
    const flags = ring && moment.peek.u16(ring.offset + ring.layout.usedFlags);
    return flags !== undefined && flags !== 0 && `used.flags of a new ring is ${flags}`;
  }),
  rule("PCI-DRV-25", "write", ({ name, value, view }) => {
    const size = view.msixVectors;
    const beyond = size !== undefined && value >= size && value !== NO_VECTOR;
    return isVector(name) && beyond && `${LEGACY[name].name} ${value}, but the table has ${size} entries`;
  }),
  rule("LEGACY-DRV-16", "write", ({ name, device }) => {
    const due = device.session.vectorDue;
    const missed =
      due !== undefined && due.vector !== NO_VECTOR && (name === "queueSelect" || isVector(name));
    return missed && due.name === "queueVector" && `the vector of queue ${due.queue} is not read back`;
  }),
  rule("LEGACY-DRV-16", "started", ({ device }) => {
    const due = device.session.vectorDue;
    return due !== undefined && due.vector !== NO_VECTOR && `${LEGACY[due.name].name} is not read back`;
  }),
  rule("PCI-DRV-26", "started", ({ device }) => {
    const [refused] = device.session.refused;
    return refused !== undefined && `DRIVER_OK although the vector for ${refused} was refused`;
  }),
  rule("PCI-DEV-38", "read", (moment) =>
    readBack(moment, ({ vector }, read, size) => vector < size && read >= size && read !== NO_VECTOR),
  ),
  rule("PCI-DEV-39", "read", (moment) => {
    const elsewhere = [...moment.device.session.accepted.values()];
    return readBack(moment, ({ vector }, read) => read === NO_VECTOR && elsewhere.includes(vector));
  }),
  rule("PCI-DEV-40", "read", (moment) =>
    readBack(moment, ({ vector }, read) => vector === NO_VECTOR && read !== NO_VECTOR),
  ),
  rule("PCI-DEV-41", "read", (moment) =>
    readBack(
      moment,
      ({ vector, before }, read, size) => vector < size && read < size && read !== vector && read !== before,
    ),
  ),
  rule("PCI-DEV-43", "read", (moment) =>
    readBack(moment, ({ vector }, read, size) => vector < size && read === NO_VECTOR),
  ),
  rule("PCI-DEV-44", "read", (moment) =>
    readBack(
      moment,
      ({ vector, before }, read) =>
        vector !== NO_VECTOR && read !== vector && read !== NO_VECTOR && read === before,
    ),
  ),
  rule("PCI-DEV-42", "read", (moment) =>
    unwritten(moment) && moment.device.mapped
      ? `${LEGACY[moment.name].name} reads ${moment.value} after a reset`
      : undefined,
  ),
  rule("LEGACY-DEV-14", "read", (moment) =>
    unwritten(moment) && !moment.device.mapped
      ? `${LEGACY[moment.name].name} reads ${moment.value} before it was written`
      : undefined,
  ),
  rule("PCI-DRV-20", "read", ({ name, view, device }) =>
    name === "isr" &&
    view.msixEnabled &&
    (view.status & STATUS.DRIVER_OK) !== 0 &&
    !device.session.flushVector
      ? "ISR is read while MSI-X is on"
      : undefined,
  ),
  rule("PCI-DEV-27", "read", ({ name, value, device }) => {
    const set = device.isr | device.isrTaken;
    const stale = value & ~set;
    return (
      name === "isr" &&
      device.isrSeen &&
      stale !== 0 &&
      `ISR reads ${value}, only ${set} was set since the last read`
    );
  }),
  // What another thread set in the ISR is not known here.
  rule("PCI-DEV-25", "line", ({ device }) =>
    device.isr === 0 && !device.elsewhere ? "the line is raised with ISR 0" : undefined,
  ),
  rule("PCI-DEV-47", "line", ({ view }) =>
    view.msixEnabled ? "the line is raised with MSI-X on" : undefined,
  ),
  rule("PCI-DEV-47", "message", ({ view, vector, queue }) => {
    if (queue === undefined || queue.view.vector === NO_VECTOR) return false;
    const mapped = view.messages.get(queue.view.vector);
    return (
      mapped !== undefined &&
      mapped !== vector &&
      `queue ${queue.index} sent message ${vector}, not ${mapped}`
    );
  }),
  rule("PCI-DEV-45", "message", ({ queue, view }) =>
    view.msixEnabled && queue !== undefined && queue.view.vector === NO_VECTOR
      ? `queue ${queue.index} has no vector and sent a message`
      : undefined,
  ),
  rule("PCI-DEV-46", "message", ({ config, view }) =>
    view.msixEnabled && config && view.configVector === NO_VECTOR
      ? "a configuration change sent a message without a vector"
      : undefined,
  ),
  rule("PCI-DEV-24", "message", ({ config, device }) =>
    config && (device.isr & ISR.CONFIG) === 0 ? "a configuration message with ISR bit 1 clear" : undefined,
  ),
  rule("LEGACY-DRV-19", "kick", ({ index, view, device }) => {
    const queue = view.queues.get(index);
    const unknown = queue === undefined || queue.pfn === 0;
    return unknown && device.driverOrdered && `queue ${index} is kicked and was not set up`;
  }),
  rule("LEGACY-DRV-21", "driverIdle", (moment) => {
    const seen = moment.device.session.isrRead;
    return seen?.value === ISR.CONFIG && !seen.usedLooked && unseenUsed(moment);
  }),
  rule("PCI-DRV-31", "driverIdle", (moment) => {
    const seen = moment.device.session.isrRead;
    return seen?.value === (ISR.CONFIG | ISR.QUEUE) && !seen.usedLooked && unseenUsed(moment);
  }),
];

/** A queue whose ring has moved on and which the driver has not looked at since its interrupt. */
function unseenUsed({ device, peek }: Moments["driverIdle"]): string | undefined {
  for (const queue of device.queues.values()) {
    if (isAnotherCpus(queue)) continue;
    const index = peek.u16(queue.base + queue.layout.usedIndex);
    if (index !== queue.usedIndex)
      return `used.idx of queue ${queue.index} is ${index}, and it was not looked at`;
  }
  return undefined;
}

/** The ring that a PFN write is about to put to use, if it can be one. */
function newRing({ name, value, view, peek, device }: Moments["write"]) {
  // The write is posted: by the time the host sees it, the driver may have put something in.
  if (!device.watched.includes("driver")) return undefined;
  const size = view.queues.get(view.select)?.size ?? 0;
  if (name !== "queuePfn" || value === 0 || !isQueueSize(size)) return undefined;
  const layout = ringLayout(size);
  const offset = peek.ram.offsetOf(value * PAGE_SIZE, layout.bytes);
  return offset < 0 ? undefined : { address: value * PAGE_SIZE, offset, layout };
}
