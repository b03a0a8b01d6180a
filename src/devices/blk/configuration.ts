/** A block device's options, the features that they make it offer, and its configuration bytes [virtio 1.4, 5.2.4]. */
import { BLK_CONFIG, BLK_FEATURE } from "../../wire/blk.ts";
import { putU16, putU32, putU64 } from "../../wire/bytes.ts";
import { featureMask } from "../../wire/features.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import type { Disk } from "./disk.ts";

export interface BlkOptions {
  readonly serial: string;
  readonly queues: number;
  /** Writes may stay in a cache until a flush. */
  readonly writeback: boolean;
  /** Bytes. */
  readonly blockSize: number;
  readonly physicalBlockSize: number;
  /** Bytes; 0 for no opinion. */
  readonly minIoSize: number;
  readonly optIoSize: number;
  /** Data segments in one request, and bytes of each; 0 for no limit. */
  readonly segmentsMax: number;
  readonly segmentBytesMax: number;
  readonly discard: boolean;
  readonly writeZeroes: boolean;
}

export const BLK_DEFAULTS: BlkOptions = {
  serial: "virtlab",
  queues: 1,
  writeback: true,
  blockSize: SECTOR_SIZE,
  physicalBlockSize: SECTOR_SIZE,
  minIoSize: 0,
  optIoSize: 0,
  // What fits in a ring of 128 with header and status.
  segmentsMax: 126,
  segmentBytesMax: 0,
  discard: true,
  writeZeroes: true,
};

/** Ranges in one discard or write-zeroes request, and sectors of each. */
export const RANGES_MAX = 16;
export const RANGE_SECTORS_MAX = 2 ** 21;

export function offeredFeatures(disk: Disk, options: BlkOptions): number {
  const bits: number[] = [
    BLK_FEATURE.GEOMETRY,
    BLK_FEATURE.BLK_SIZE,
    BLK_FEATURE.FLUSH,
    BLK_FEATURE.TOPOLOGY,
    BLK_FEATURE.CONFIG_WCE,
  ];
  if (options.segmentsMax > 0) bits.push(BLK_FEATURE.SEG_MAX);
  if (options.segmentBytesMax > 0) bits.push(BLK_FEATURE.SIZE_MAX);
  if (options.queues > 1) bits.push(BLK_FEATURE.MQ);
  if (disk.readOnly) bits.push(BLK_FEATURE.RO);
  if (options.discard && !disk.readOnly) bits.push(BLK_FEATURE.DISCARD);
  if (options.writeZeroes && !disk.readOnly) bits.push(BLK_FEATURE.WRITE_ZEROES);
  return featureMask(...bits);
}

export function configuration(disk: Disk, options: BlkOptions): Uint8Array {
  const config = new Uint8Array(BLK_CONFIG.bytes);
  const inBlocks = (bytes: number): number => Math.floor(bytes / options.blockSize);
  putCapacity(config, disk.bytes);
  putU32(config, BLK_CONFIG.sizeMax, options.segmentBytesMax);
  putU32(config, BLK_CONFIG.segMax, options.segmentsMax);
  putU32(config, BLK_CONFIG.blkSize, options.blockSize);
  config[BLK_CONFIG.physicalBlockExp] = Math.log2(options.physicalBlockSize / options.blockSize);
  putU16(config, BLK_CONFIG.minIoSize, inBlocks(options.minIoSize));
  putU32(config, BLK_CONFIG.optIoSize, inBlocks(options.optIoSize));
  config[BLK_CONFIG.writeback] = options.writeback ? 1 : 0;
  putU16(config, BLK_CONFIG.numQueues, options.queues);
  putU32(config, BLK_CONFIG.maxDiscardSectors, RANGE_SECTORS_MAX);
  putU32(config, BLK_CONFIG.maxDiscardSeg, RANGES_MAX);
  putU32(config, BLK_CONFIG.discardSectorAlignment, options.blockSize / SECTOR_SIZE);
  putU32(config, BLK_CONFIG.maxWriteZeroesSectors, RANGE_SECTORS_MAX);
  putU32(config, BLK_CONFIG.maxWriteZeroesSeg, RANGES_MAX);
  config[BLK_CONFIG.writeZeroesMayUnmap] = 1;
  return config;
}

/** Capacity, and the geometry that PC people make up for it: 16 heads of 63 sectors. */
export function putCapacity(config: Uint8Array, bytes: number): void {
  const sectors = bytes / SECTOR_SIZE;
  putU64(config, BLK_CONFIG.capacity, sectors);
  putU16(config, BLK_CONFIG.cylinders, Math.min(16_383, Math.max(1, Math.floor(sectors / (16 * 63)))));
  config[BLK_CONFIG.heads] = 16;
  config[BLK_CONFIG.sectors] = 63;
}
