/** virtio-balloon: feature bits, configuration, queues and statistics [virtio 1.4, 5.5]. */
import { getU16, getU64, putU16, putU64 } from "./bytes.ts";

export const BALLOON_FEATURE = { MUST_TELL_HOST: 0, STATS_VQ: 1, DEFLATE_ON_OOM: 2 } as const;

/** Offsets in device configuration, little-endian on legacy devices too. `actual` is the driver's to write. */
export const BALLOON_CONFIG = { numPages: 0, actual: 4, bytes: 8 } as const;

export const BALLOON_QUEUE = { inflate: 0, deflate: 1, stats: 2 } as const;

/** Pages are counted in this unit whatever the guest's page size [5.5.6]. */
export const BALLOON_PAGE_SIZE = 4096;
export const PAGE_NUMBER_BYTES = 4;

/** Statistics by tag; memory is in bytes. */
export const BALLOON_STATS = [
  "swapIn",
  "swapOut",
  "majorFaults",
  "minorFaults",
  "freeBytes",
  "totalBytes",
  "availableBytes",
  "cacheBytes",
  "hugePagesAllocated",
  "hugePagesFailed",
] as const;
export type BalloonStat = (typeof BALLOON_STATS)[number];
export type BalloonStats = Partial<Record<BalloonStat, number>>;

/** Tag u16 and value u64, packed. */
export const STAT_BYTES = 10;

export function encodeStats(stats: BalloonStats): Uint8Array {
  const present = BALLOON_STATS.flatMap((name, tag) => {
    const value = stats[name];
    return value === undefined ? [] : [{ tag, value }];
  });
  const bytes = new Uint8Array(STAT_BYTES * present.length);
  present.forEach(({ tag, value }, index) => {
    putU16(bytes, STAT_BYTES * index, tag);
    putU64(bytes, STAT_BYTES * index + 2, value);
  });
  return bytes;
}

/** Tags that nobody knows are passed over [5.5.6.3]. */
export function decodeStats(bytes: Uint8Array): BalloonStats {
  const stats: BalloonStats = {};
  for (let at = 0; at + STAT_BYTES <= bytes.length; at += STAT_BYTES) {
    const name = BALLOON_STATS[getU16(bytes, at)];
    if (name !== undefined) stats[name] = getU64(bytes, at + 2);
  }
  return stats;
}
