/** Device configuration: where it is, what gates it, how it changes [2.5, 4.1.4.10, 5.x.4]. */
import { BLK_FEATURE as B } from "../../wire/blk.ts";
import { CONSOLE_FEATURE as C } from "../../wire/console.ts";
import { NET_FEATURE as N } from "../../wire/net.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import type { Device } from "../model.ts";
import { type Moments, rule } from "../moments.ts";

interface Field {
  readonly first: number;
  readonly end: number;
  /** The feature bit behind it. */
  readonly bit?: number;
  readonly bit2?: number;
  /** The driver may write it. */
  readonly writable?: true;
  /** It changes when the driver says so by other means than a write. */
  readonly follows?: true;
}

const NET: readonly Field[] = [
  { first: 0, end: 6, writable: true, follows: true },
  { first: 6, end: 8, bit: N.STATUS, follows: true },
  { first: 8, end: 10, bit: N.MQ },
  { first: 10, end: 12, bit: N.MTU },
];
const BLK: readonly Field[] = [
  { first: 0, end: 8 },
  { first: 8, end: 12, bit: B.SIZE_MAX },
  { first: 12, end: 16, bit: B.SEG_MAX },
  { first: 16, end: 20, bit: B.GEOMETRY },
  { first: 20, end: 24, bit: B.BLK_SIZE },
  { first: 24, end: 32, bit: B.TOPOLOGY },
  { first: 32, end: 33, bit: B.CONFIG_WCE, writable: true },
  { first: 34, end: 36, bit: B.MQ },
  { first: 36, end: 48, bit: B.DISCARD },
  { first: 48, end: 57, bit: B.WRITE_ZEROES },
  { first: 60, end: 72, bit: 16 },
  { first: 72, end: 96, bit: 17 },
];
const CONSOLE: readonly Field[] = [
  { first: 0, end: 4, bit: C.SIZE },
  { first: 4, end: 8, bit: C.MULTIPORT },
  { first: 8, end: 12, bit: C.EMERG_WRITE, writable: true },
];
const BALLOON: readonly Field[] = [
  { first: 0, end: 4 },
  { first: 4, end: 8, writable: true },
  { first: 8, end: 12, bit: 3 },
  { first: 12, end: 16, bit: 4, writable: true },
];
const FIELDS: Readonly<Record<number, { readonly fields: readonly Field[]; readonly bytes: number }>> = {
  [VIRTIO_TYPE.net.id]: { fields: NET, bytes: 28 },
  [VIRTIO_TYPE.blk.id]: { fields: BLK, bytes: 96 },
  [VIRTIO_TYPE.console.id]: { fields: CONSOLE, bytes: 12 },
  [VIRTIO_TYPE.rng.id]: { fields: [], bytes: 0 },
  [VIRTIO_TYPE.balloon.id]: { fields: BALLOON, bytes: 16 },
};

const fieldAt = (device: Device, offset: number): Field | undefined =>
  FIELDS[device.view.virtioId]?.fields.find(({ first, end }) => offset >= first && offset < end);

/** Bytes that read otherwise than they last did although nobody announced or caused a change. */
function changed({ device, view, write, offset, width, value }: Moments["config"]) {
  // An announcement is seen at the device's side only; all ones may be nobody's answer.
  if (write || !device.watched.includes("device") || value === 2 ** (8 * width) - 1) return undefined;
  for (let byte = 0; byte < width; byte++) {
    const known = device.config[offset + byte];
    const now = (value >>> (8 * byte)) & 0xff;
    if (known === undefined || known.value === now || device.announcedSince(offset + byte)) continue;
    const field = fieldAt(device, offset + byte);
    if (field?.follows) continue;
    const detail = `byte ${offset + byte} reads ${now}, it was ${known.value}`;
    return { known, field, detail, offset: offset + byte, width, moved: known.msix !== view.msixEnabled };
  }
  return undefined;
}

const isCapacity = (device: Device, offset: number): boolean =>
  device.view.virtioId === VIRTIO_TYPE.blk.id && offset < 8;
const isWriteback = (device: Device, offset: number): boolean =>
  device.view.virtioId === VIRTIO_TYPE.blk.id && offset === 32;

/** A change that the device made by itself and did not announce: only its own side can tell. */
function unannounced(moment: Moments["config"]) {
  const found = changed(moment);
  if (found === undefined || found.moved || found.known.width !== found.width) return undefined;
  return moment.device.isrSeen && found.known.writer === "device" ? found : undefined;
}

const swap32 = (value: number): number =>
  (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

export const configRules = [
  rule("CONFIG-DRV-02", "config", ({ device, offset, view }) => {
    const bit = fieldAt(device, offset)?.bit;
    const absent = bit !== undefined && view.offered !== undefined && !device.offers(bit);
    return absent && `offset ${offset} is there only with feature ${bit}, which is not offered`;
  }),
  rule("CONFIG-DRV-04", "config", ({ view, offset }) => {
    const bytes = FIELDS[view.virtioId]?.bytes;
    return bytes !== undefined && offset >= bytes && `offset ${offset}: this type has ${bytes} bytes at most`;
  }),
  rule("CONFIG-DRV-05", "started", ({ device, view }) => {
    const bytes = view.virtioId === VIRTIO_TYPE.blk.id ? 8 : view.virtioId === VIRTIO_TYPE.net.id ? 6 : 0;
    for (let at = 0; at < bytes; at++) {
      if (device.config[at]?.reads === 1) return `byte ${at} was read once only`;
    }
    return undefined;
  }),
  rule("STATUS-DEV-07", "config", (moment) => {
    const found = unannounced(moment);
    const special =
      found && (isCapacity(moment.device, found.offset) || isWriteback(moment.device, found.offset));
    return found && !special && !isMtu(moment.device, found.offset) && found.detail;
  }),
  rule("BLK-DEV-10", "config", (moment) => {
    const found = unannounced(moment);
    return found && isCapacity(moment.device, found.offset) && `capacity: ${found.detail}`;
  }),
  rule("BLK-DEV-08", "config", (moment) => {
    const found = changed(moment);
    const cause = found?.known.writer === "device" && moment.device.session.writebackCause === "status";
    return (
      found && cause && isWriteback(moment.device, found.offset) && `after a status write, ${found.detail}`
    );
  }),
  rule("BLK-DEV-09", "config", (moment) => {
    const found = changed(moment);
    const cause = found?.known.writer === "device" && moment.device.session.writebackCause === "features";
    return (
      found && cause && isWriteback(moment.device, found.offset) && `after a feature write, ${found.detail}`
    );
  }),
  rule("LEGACY-DEV-08", "config", (moment) => {
    const found = changed(moment);
    const other =
      found && !found.moved && found.known.width !== found.width && found.known.writer === "device";
    return other && `${moment.width}-byte access: ${found.detail} by ${found.known.width}-byte access`;
  }),
  rule("LEGACY-DEV-09", "config", (moment) => {
    const found = changed(moment);
    return found?.moved && `after MSI-X was switched, ${found.detail}`;
  }),
  rule("LEGACY-DEV-02", "config", (moment) => {
    const found = changed(moment);
    const lost =
      found?.known.writer === "driver" && found.field?.writable && !moment.device.session.featuresWritten;
    return lost && `written before the features: ${found.detail}`;
  }),
  rule("BALLOON-BOTH-01", "config", ({ view, write, offset, width, value, peek }) => {
    if (view.virtioId !== VIRTIO_TYPE.balloon.id || !write || offset !== 4 || width !== 4) return false;
    const pages = (peek.ram.base + peek.ram.size) / 4096;
    return (
      value > pages &&
      swap32(value) <= pages &&
      `actual ${value} is ${swap32(value)} with its bytes the wrong way round`
    );
  }),
  rule("BLK-BOTH-01", "config", ({ view, write, offset, width, value }) =>
    view.virtioId === VIRTIO_TYPE.blk.id && !write && offset === 20 && width === 4 && implausible(value)
      ? `blk_size ${value} is ${swap32(value)} with its bytes the wrong way round`
      : undefined,
  ),
];

/** No disk has larger blocks. */
const BLOCK_BYTES_MAX = 0x1_0000;
const implausible = (blockSize: number): boolean =>
  blockSize > BLOCK_BYTES_MAX && swap32(blockSize) <= BLOCK_BYTES_MAX;
const isMtu = (device: Device, offset: number): boolean =>
  device.view.virtioId === VIRTIO_TYPE.net.id && offset >= 10;
