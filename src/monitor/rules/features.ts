/** Feature negotiation [2.2, 6]. */

import { BALLOON_FEATURE } from "../../wire/balloon.ts";
import { BLK_FEATURE } from "../../wire/blk.ts";
import { CONSOLE_FEATURE } from "../../wire/console.ts";
import { FEATURE, featureMask } from "../../wire/features.ts";
import { NET_FEATURE } from "../../wire/net.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import type { Device } from "../model.ts";
import { rule } from "../moments.ts";

const TRANSPORT = featureMask(
  FEATURE.NOTIFY_ON_EMPTY,
  FEATURE.ANY_LAYOUT,
  FEATURE.INDIRECT_DESC,
  FEATURE.EVENT_IDX,
  FEATURE.BAD_FEATURE,
);
/** Bits that each type defines, legacy ones and those that virtlab has no use for included. */
const KNOWN: Readonly<Record<number, number>> = {
  [VIRTIO_TYPE.net.id]: featureMask(...Object.values(NET_FEATURE), 2),
  [VIRTIO_TYPE.blk.id]: featureMask(...Object.values(BLK_FEATURE), 0, 7, 15, 16, 17),
  [VIRTIO_TYPE.console.id]: featureMask(...Object.values(CONSOLE_FEATURE)),
  [VIRTIO_TYPE.rng.id]: 0,
  [VIRTIO_TYPE.balloon.id]: featureMask(...Object.values(BALLOON_FEATURE), 3, 4, 5),
};
/** A type that nobody here knows may define what it likes below the transport's bits. */
const known = ({ view }: Device): number => ((KNOWN[view.virtioId] ?? 0xff_ffff) | TRANSPORT) >>> 0;

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

const VENDOR_CAPABILITY = 0x09;

export const featureRules = [
  rule("FEAT-DRV-01", "write", ({ name, value, device, view }) => {
    if (name !== "guestFeatures" || view.offered === undefined) return false;
    const excess = value & ~view.offered & known(device);
    return excess !== 0 && `accepted ${hex(excess)}, which is not offered`;
  }),
  rule("FEAT-DRV-03", "write", ({ name, value, device }) => {
    const unknown = value & ~known(device);
    return name === "guestFeatures" && unknown !== 0 && `accepted ${hex(unknown)}, which nothing defines`;
  }),
  rule("FEAT-DEV-04", "read", ({ name, value, device }) => {
    const unknown = value & ~known(device);
    return name === "hostFeatures" && unknown !== 0 && `offers ${hex(unknown)}, which nothing defines`;
  }),
  rule("LEGACY-BOTH-03", "read", ({ name, value }) =>
    name === "hostFeatures" && (value & featureMask(FEATURE.BAD_FEATURE)) !== 0
      ? "bit 30 is offered"
      : undefined,
  ),
  rule("LEGACY-BOTH-03", "write", ({ name, value }) =>
    name === "guestFeatures" && (value & featureMask(FEATURE.BAD_FEATURE)) !== 0
      ? "bit 30 is accepted"
      : undefined,
  ),
  rule("LEGACY-DEV-13", "read", ({ name, value, view }) => {
    const transitional = view.capability(VENDOR_CAPABILITY) !== 0;
    const lacks = (value & featureMask(FEATURE.ANY_LAYOUT)) === 0;
    return name === "hostFeatures" && transitional && lacks && "a transitional device without ANY_LAYOUT";
  }),
  rule("LEGACY-DRV-15", "write", ({ name, value, device, view }) =>
    name === "guestFeatures" &&
    device.session.featuresWritten &&
    [...view.queues.values()].some(({ pfn }) => pfn !== 0) &&
    value !== view.accepted
      ? `features change from ${hex(view.accepted)} to ${hex(value)} with queues set up`
      : undefined,
  ),
  rule("LEGACY-DRV-18", "write", ({ name, value, device }) => {
    const altering = value & featureMask(FEATURE.INDIRECT_DESC, FEATURE.EVENT_IDX);
    const late = device.session.publishedAny && !device.session.featuresWritten;
    return (
      name === "guestFeatures" && late && altering !== 0 && `${hex(altering)} is accepted with a ring in use`
    );
  }),
];
