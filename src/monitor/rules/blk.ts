/** Block devices: features, configuration, requests and their answers [5.2]. */
import { BLK_STATUS, BLK_TYPE, BLK_FEATURE as F } from "../../wire/blk.ts";
import { FEATURE } from "../../wire/features.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import type { Chain, Device, Queue } from "../model.ts";
import { type Moments, ruleOf, type Verdict } from "../moments.ts";
import type { Peek } from "../peek.ts";

const HEADER = 16;
const SCSI = [2, 3];
const FLUSH_OUT = 5;
const ZONE_FIRST = 15;
const ZONE_LAST = 26;
const LIFETIME = 10;
const SECURE_ERASE = 14;
const SENSE_BYTES = 96;
const RESULT_BYTES = 16;
/** A feature bit of blk that only the text needs. */
const ZONED = 17;

interface Request {
  readonly type: number;
  readonly sector: number;
  /** Bytes between header and status byte. */
  readonly out: number;
  readonly in: number;
  readonly chain: Chain;
  /** Its type makes no sense as it is, and would the other way round. */
  readonly swapped: boolean;
}

const onBlk = ruleOf(VIRTIO_TYPE.blk);

function request(chain: Chain, peek: Peek): Request | undefined {
  chain.content ??= decode(chain, peek) ?? NO_REQUEST;
  return chain.content === NO_REQUEST ? undefined : (chain.content as Request);
}
const NO_REQUEST = {};

function decode(chain: Chain, peek: Peek): Request | undefined {
  const { readableBytes, writableBytes, faults } = chain;
  if (readableBytes < HEADER || faults.length > 0) return undefined;
  const { readable } = chain;
  const type = peek.word(readable, 0);
  const sector = peek.word(readable, 8) + peek.word(readable, 12) * 2 ** 32;
  return {
    type,
    sector,
    out: readableBytes - HEADER,
    in: Math.max(0, writableBytes - 1),
    chain,
    swapped: isSwapped(type),
  };
}

/** Of a request that has come back. */
function statusOf({ element }: Moments["used"], { chain, in: data }: Request, peek: Peek): number {
  element.content ??= peek.byte(chain.writable, data);
  return element.content as number;
}

const swap32 = (value: number): number =>
  (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
const isSwapped = (type: number): boolean => type > 0xffff && (type & 0x7fff_0000) !== 0 && swap32(type) < 64;

/** A rule about requests as they become available. */
const onRequest = (id: string, test: (found: Request, device: Device, queue: Queue) => Verdict) =>
  onBlk(id, "available", ({ chain, device, queue, peek }) => {
    const found = request(chain, peek);
    return found && !found.swapped && test(found, device, queue);
  });

/** A rule about requests as they come back, with the status byte. */
const onAnswer = (id: string, test: (found: Request, status: number, device: Device) => Verdict) =>
  onBlk(id, "used", (moment) => {
    const { chain } = moment.element;
    const found = chain && request(chain, moment.peek);
    if (found === undefined || found.chain.writableBytes === 0) return undefined;
    return test(found, statusOf(moment, found, moment.peek), moment.device);
  });

const allowed: Readonly<Record<number, (device: Device) => boolean>> = {
  [BLK_TYPE.IN]: () => true,
  [BLK_TYPE.OUT]: () => true,
  [BLK_TYPE.FLUSH]: (device) => device.has(F.FLUSH) || device.has(F.CONFIG_WCE),
  [FLUSH_OUT]: (device) => device.has(F.FLUSH),
  [BLK_TYPE.GET_ID]: () => true,
  [LIFETIME]: (device) => device.has(15),
  [BLK_TYPE.DISCARD]: (device) => device.has(F.DISCARD),
  [BLK_TYPE.WRITE_ZEROES]: (device) => device.has(F.WRITE_ZEROES),
  [SECURE_ERASE]: (device) => device.has(16),
  2: (device) => device.has(7),
  3: (device) => device.has(7),
};
const isZone = (type: number): boolean => type >= ZONE_FIRST && type <= ZONE_LAST;
const typeOf = (found: Request): number => found.type & 0x7fff_ffff;

export const blkRules = [
  onBlk("BLK-DEV-01", "read", ({ name, device, view }) =>
    name === "status" && view.offered !== undefined && !device.offers(F.FLUSH) && (view.status & 7) === 3
      ? "FLUSH is not offered"
      : undefined,
  ),
  onBlk("BLK-DEV-02", "read", ({ name, value }) =>
    name === "hostFeatures" && ((value >>> F.CONFIG_WCE) & 1) === 1 && ((value >>> F.FLUSH) & 1) === 0
      ? "CONFIG_WCE is offered without FLUSH"
      : undefined,
  ),
  onBlk("BLK-DEV-03", "config", ({ device, write, offset, value }) => {
    const writesThrough =
      device.has(F.CONFIG_WCE) && !device.has(F.FLUSH) && device.configByte(32) === undefined;
    return (
      !write &&
      offset === 32 &&
      writesThrough &&
      (value & 0xff) !== 0 &&
      `writeback starts as ${value & 0xff}`
    );
  }),
  onBlk("BLK-DEV-04", "config", ({ write, offset, width, value }) =>
    !write && width === 1 && PADDING.includes(offset) && value !== 0
      ? `padding at ${offset} reads ${value}`
      : undefined,
  ),
  onBlk("BLK-DRV-05", "driverIdle", ({ device }) => {
    const due = device.session.configInterrupt;
    return (
      due !== undefined && !due.readBack.has(0) && "capacity is not looked at after a configuration change"
    );
  }),
  onRequest("BLK-DRV-06", ({ type, sector, out, in: data }, device, queue) => {
    // Another CPU may not have been told yet.
    if (!queue.settled || !device.driverOrdered) return undefined;
    const capacity = device.configField(0, 8);
    const bytes = type === BLK_TYPE.IN ? data : type === BLK_TYPE.OUT ? out : undefined;
    const end = bytes === undefined ? undefined : sector + Math.ceil(bytes / SECTOR_SIZE);
    return (
      capacity !== undefined &&
      end !== undefined &&
      end > capacity &&
      `sectors ${sector} to ${end} of ${capacity}`
    );
  }),
  onBlk("BLK-DRV-07", "write", ({ name, value, device }) =>
    name === "guestFeatures" && device.offers(F.RO) && ((value >>> F.RO) & 1) === 0
      ? "RO is not accepted"
      : undefined,
  ),
  onRequest("BLK-DRV-08", ({ type, sector }) =>
    type === BLK_TYPE.FLUSH && sector !== 0 ? `a flush with sector ${sector}` : undefined,
  ),
  onRequest("BLK-DRV-09", ({ type, out, in: data }) => {
    const bytes = type === BLK_TYPE.OUT ? out : type === BLK_TYPE.IN ? data : 0;
    return bytes % SECTOR_SIZE !== 0 && `${bytes} bytes of data`;
  }),
  onRequest("BLK-DRV-11", ({ type, in: data }) =>
    type === BLK_TYPE.GET_ID && data !== 20 ? `GET_ID with ${data} bytes` : undefined,
  ),
  onAnswer("BLK-DEV-11", ({ type }, status, device) =>
    type === BLK_TYPE.OUT && device.offers(F.RO) && status !== BLK_STATUS.IOERR
      ? `a write to a read-only device ends with status ${status}`
      : undefined,
  ),
  onAnswer("BLK-DEV-18", ({ type }, status, device) =>
    isZone(type) && !device.has(ZONED) && status !== BLK_STATUS.UNSUPP
      ? `type ${type} ends with status ${status}`
      : undefined,
  ),
  onBlk("BLK-DRV-16", "available", ({ chain }) => {
    if (chain.faults.length > 0) return false;
    const header = chain.readableBytes;
    const status = chain.writableBytes;
    return (
      (header < HEADER || status < 1) &&
      `head ${chain.head} has ${header} readable and ${status} writable bytes`
    );
  }),
  onRequest("BLK-DRV-17", (found, device) =>
    (allowed[typeOf(found)]?.(device) ?? (isZone(found.type) && device.has(ZONED)))
      ? undefined
      : `type ${found.type} with features 0x${device.features.toString(16)}`,
  ),
  onRequest("BLK-DRV-18", ({ chain, type }, device) => {
    if (type !== BLK_TYPE.IN && type !== BLK_TYPE.OUT) return false;
    const data = chain.segments.slice(1, -1);
    const count = device.has(F.SEG_MAX) ? device.configField(12, 4) : undefined;
    const size = device.has(F.SIZE_MAX) ? device.configField(8, 4) : undefined;
    if (count !== undefined && data.length > count)
      return `${data.length} data segments, seg_max is ${count}`;
    const long = data.find(({ length }) => size !== undefined && length > size);
    return long && `a segment of ${long.length} bytes, size_max is ${size}`;
  }),
  onAnswer(
    "BLK-DEV-20",
    ({ type }, status) => status > BLK_STATUS.UNSUPP && !isZone(type) && `status byte ${status}`,
  ),
  onBlk("BLK-BOTH-02", "available", ({ chain, peek }) => {
    const found = request(chain, peek);
    return found?.swapped && `type 0x${found.type.toString(16)} is ${swap32(found.type)} the wrong way round`;
  }),
  onAnswer("BLK-DEV-21", ({ type }, status, device) =>
    type === FLUSH_OUT && device.has(F.FLUSH) && status === BLK_STATUS.UNSUPP
      ? "type 5 is refused"
      : undefined,
  ),
  onRequest("BLK-DRV-20", ({ type, chain }) =>
    SCSI.includes(type) && chain.readable.length > 1 && chain.readable[0]?.length !== HEADER
      ? "the command block shares a descriptor"
      : undefined,
  ),
  onRequest("BLK-DRV-22", ({ type, chain }, device) => {
    if (!SCSI.includes(type) || device.has(FEATURE.ANY_LAYOUT)) return false;
    const [sense, result] = chain.writable.slice(-3);
    const tail =
      chain.writable.length >= 3 && sense?.length === SENSE_BYTES && result?.length === RESULT_BYTES;
    return !tail && "the sense data or the results are not in descriptors of their own";
  }),
  onRequest("BLK-DRV-21", ({ type, chain }, device) => {
    if (device.has(FEATURE.ANY_LAYOUT) || SCSI.includes(type) || chain.writable.length === 0) return false;
    const [first, last] = [chain.segments[0], chain.segments.at(-1)];
    if (first?.length !== HEADER) return `the first descriptor has ${first?.length} bytes`;
    return last?.length !== 1 && `the last descriptor has ${last?.length} bytes`;
  }),
];

/** Bytes of the configuration that have no name. */
const PADDING = [33, 57, 58, 59, 93, 94, 95];
