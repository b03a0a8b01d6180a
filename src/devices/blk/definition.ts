/** virtio-blk's options: a file, or memory. */
import { type DeviceDefinition, type DeviceOptions, defineDevice, UsageError } from "../../host/index.ts";
import { BLK_ID_BYTES } from "../../wire/blk.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { SEED_MAX } from "../../wire/random.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { BLK_DEFAULTS, type BlkOptions } from "./configuration.ts";
import type { Disk } from "./disk.ts";
import { openFileDisk } from "./file-disk.ts";
import { memoryDisk } from "./memory-disk.ts";
import { blk } from "./model.ts";
import { type BlkShare, openPart } from "./requests.ts";

const DEFAULT_BYTES = 64 * 1024 * 1024;
const QUEUES_MAX = 64;
const BLOCK_BYTES_MAX = 65_536;

export const BLK_OPTIONS = {
  file: { type: "string", help: "disk image; without it the disk is in memory" },
  size: { type: "size", help: "size of the disk in memory", default: DEFAULT_BYTES },
  seed: { type: "number", help: "fills the disk in memory with the bytes of this seed" },
  "read-only": { type: "boolean", help: "refuses writes", default: false },
  serial: {
    type: "string",
    help: `serial number, ${BLK_ID_BYTES} bytes at most`,
    default: BLK_DEFAULTS.serial,
  },
  queues: { type: "number", help: `request queues, 1-${QUEUES_MAX}`, default: BLK_DEFAULTS.queues },
  cache: {
    type: ["writeback", "writethrough"],
    help: "when a write is durable: after a flush, or when it completes",
    default: "writeback",
  },
  "block-size": { type: "size", help: "logical block, a power of two", default: BLK_DEFAULTS.blockSize },
  "physical-block-size": { type: "size", help: "a power of two", default: BLK_DEFAULTS.physicalBlockSize },
  "min-io-size": { type: "size", help: "best granularity; 0: no opinion", default: BLK_DEFAULTS.minIoSize },
  "opt-io-size": {
    type: "size",
    help: "best request size; 0: no opinion",
    default: BLK_DEFAULTS.optIoSize,
  },
  "seg-max": {
    type: "number",
    help: "segments of a request; 0: not told",
    default: BLK_DEFAULTS.segmentsMax,
  },
  "size-max": {
    type: "size",
    help: "bytes of a segment; 0: not told",
    default: BLK_DEFAULTS.segmentBytesMax,
  },
  discard: { type: "boolean", help: "takes discard requests", default: BLK_DEFAULTS.discard },
  "write-zeroes": {
    type: "boolean",
    help: "takes write-zeroes requests",
    default: BLK_DEFAULTS.writeZeroes,
  },
} satisfies DeviceDefinition["options"];

export default defineDevice({
  name: "blk",
  virtioId: VIRTIO_TYPE.blk.id,
  summary: "block device, in memory or on a file",
  options: BLK_OPTIONS,
  async create(options) {
    // Options first: a file is not opened for a device that there will not be.
    const checked = checkBlkOptions(options);
    return blk(await openDisk(options), checked);
  },
  createPart: (share) => openPart(share as BlkShare),
});

async function openDisk({ file, size, seed, "read-only": readOnly }: DeviceOptions): Promise<Disk> {
  if (file !== undefined) {
    if (seed !== undefined) throw new UsageError("blk: expected either file or seed, found both");
    return openFileDisk(String(file), readOnly === true);
  }
  const bytes = Number(size ?? DEFAULT_BYTES);
  if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes % SECTOR_SIZE !== 0) {
    throw new UsageError(`blk: expected size to be a positive multiple of ${SECTOR_SIZE}, found ${bytes}`);
  }
  const content = seed === undefined ? {} : { seed: within("seed", Number(seed), 0, SEED_MAX) };
  return memoryDisk({ bytes, readOnly: readOnly === true, ...content });
}

export function checkBlkOptions(options: DeviceOptions): BlkOptions {
  const number = (name: string, otherwise: number): number => Number(options[name] ?? otherwise);
  const blockSize = blockBytes("block-size", number("block-size", BLK_DEFAULTS.blockSize), SECTOR_SIZE);
  const physical = number("physical-block-size", BLK_DEFAULTS.physicalBlockSize);
  return {
    serial: checkedSerial(String(options.serial ?? BLK_DEFAULTS.serial)),
    queues: within("queues", number("queues", BLK_DEFAULTS.queues), 1, QUEUES_MAX),
    writeback: options.cache !== "writethrough",
    blockSize,
    physicalBlockSize: blockBytes("physical-block-size", Math.max(physical, blockSize), blockSize),
    minIoSize: within("min-io-size", number("min-io-size", 0), 0, 0xffff * blockSize),
    optIoSize: within("opt-io-size", number("opt-io-size", 0), 0, 2 ** 31),
    segmentsMax: within("seg-max", number("seg-max", BLK_DEFAULTS.segmentsMax), 0, 32_766),
    segmentBytesMax: within("size-max", number("size-max", 0), 0, 2 ** 31),
    discard: options.discard !== false,
    writeZeroes: options["write-zeroes"] !== false,
  };
}

function within(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`blk: expected ${name} to be a whole number from ${least} to ${most}, found ${value}`);
}

function blockBytes(name: string, bytes: number, least: number): number {
  if (Number.isInteger(Math.log2(bytes)) && bytes >= least && bytes <= BLOCK_BYTES_MAX) return bytes;
  throw new UsageError(
    `blk: expected ${name} to be a power of two from ${least} to ${BLOCK_BYTES_MAX}, found ${bytes}`,
  );
}

function checkedSerial(serial: string): string {
  const { length } = new TextEncoder().encode(serial);
  if (length <= BLK_ID_BYTES) return serial;
  throw new UsageError(`blk: expected serial to have at most ${BLK_ID_BYTES} bytes, found ${length}`);
}
