/** What a block device says of itself in features and configuration [virtio 1.4, 5.2.4]. */
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { BLK_CONFIG, BLK_FEATURE } from "../../wire/blk.ts";
import { getU16, getU32, getU64 } from "../../wire/bytes.ts";
import { featureMask, hasFeature } from "../../wire/features.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";

export interface DiskFacts {
  readonly capacitySectors: number;
  readonly readOnly: boolean;
  /** What the device likes best, in bytes; requests count in sectors all the same. */
  readonly blockSize: number;
  readonly geometry: { readonly cylinders: number; readonly heads: number; readonly sectors: number } | null;
  /** Bytes; 0 where the device has no opinion. */
  readonly topology: { readonly physicalBlockSize: number; readonly minIo: number; readonly optIo: number };
  /** There is a flush request. Without one, every write is stable when it completes. */
  readonly canFlush: boolean;
  /** The driver may switch the write cache. */
  readonly canSetCache: boolean;
  readonly queues: number;
  /** Data segments of one request, and bytes of each. */
  readonly segmentsMax: number;
  readonly segmentBytesMax: number;
  /** Sectors of one range; 0: there is no such request. */
  readonly discardSectorsMax: number;
  readonly writeZeroesSectorsMax: number;
}

/** The feature bits that the driver knows. */
export const BLK_DRIVER_FEATURES = featureMask(...Object.values(BLK_FEATURE));

const CAPACITY_TRIES = 10;

/** Field by field, and of those only the ones that features vouch for: others may not be there. */
export function readFacts(device: VirtioDevice): DiskFacts {
  const has = (feature: number) => hasFeature(device.features, feature);
  const u32 = (feature: number, at: number, otherwise: number) =>
    has(feature) ? getU32(readConfig(device, at, 4), 0) : otherwise;
  const blockSize = u32(BLK_FEATURE.BLK_SIZE, BLK_CONFIG.blkSize, SECTOR_SIZE);
  const sizeMax = u32(BLK_FEATURE.SIZE_MAX, BLK_CONFIG.sizeMax, Number.POSITIVE_INFINITY);
  return {
    capacitySectors: readCapacity(device),
    readOnly: has(BLK_FEATURE.RO),
    blockSize,
    geometry: has(BLK_FEATURE.GEOMETRY) ? readGeometry(device) : null,
    topology: has(BLK_FEATURE.TOPOLOGY)
      ? readTopology(device, blockSize)
      : { physicalBlockSize: blockSize, minIo: 0, optIo: 0 },
    canFlush: has(BLK_FEATURE.FLUSH),
    canSetCache: has(BLK_FEATURE.CONFIG_WCE),
    queues: has(BLK_FEATURE.MQ) ? Math.max(1, getU16(readConfig(device, BLK_CONFIG.numQueues, 2), 0)) : 1,
    segmentsMax: Math.max(1, u32(BLK_FEATURE.SEG_MAX, BLK_CONFIG.segMax, 1)),
    segmentBytesMax: Math.max(SECTOR_SIZE, sizeMax),
    discardSectorsMax: u32(BLK_FEATURE.DISCARD, BLK_CONFIG.maxDiscardSectors, 0),
    writeZeroesSectorsMax: u32(BLK_FEATURE.WRITE_ZEROES, BLK_CONFIG.maxWriteZeroesSectors, 0),
  };
}

function readGeometry(device: VirtioDevice) {
  const bytes = readConfig(device, BLK_CONFIG.cylinders, 4);
  return { cylinders: getU16(bytes, 0), heads: bytes[2] ?? 0, sectors: bytes[3] ?? 0 };
}

function readTopology(device: VirtioDevice, blockSize: number): DiskFacts["topology"] {
  const bytes = readConfig(device, BLK_CONFIG.physicalBlockExp, 8);
  return {
    physicalBlockSize: blockSize * 2 ** (bytes[0] ?? 0),
    minIo: blockSize * getU16(bytes, 2),
    optIo: blockSize * getU32(bytes, 4),
  };
}

/** There is no generation count on a legacy device: a wide field is read until two readings agree [2.5.4]. */
export function readCapacity(device: VirtioDevice): number {
  let before = getU64(readConfig(device, BLK_CONFIG.capacity, 8), 0);
  for (let tries = 0; tries < CAPACITY_TRIES; tries++) {
    const now = getU64(readConfig(device, BLK_CONFIG.capacity, 8), 0);
    if (now === before) return now;
    before = now;
  }
  return before;
}

/** True: a write may sit in a cache until the next flush. */
export function readWriteback(device: VirtioDevice, facts: DiskFacts): boolean {
  if (!facts.canSetCache) return facts.canFlush;
  return readConfig(device, BLK_CONFIG.writeback, 1)[0] !== 0;
}

export function writeWriteback(device: VirtioDevice, writeback: boolean): void {
  device.transport.setConfig(BLK_CONFIG.writeback, Uint8Array.of(writeback ? 1 : 0));
}

function readConfig(device: VirtioDevice, offset: number, bytes: number): Uint8Array {
  const target = new Uint8Array(bytes);
  device.transport.getConfig(offset, target);
  return target;
}
