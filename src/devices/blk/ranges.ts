/** The data of a discard or write-zeroes request: an array of ranges of 16 bytes each [virtio 1.4, 5.2.6]. */
import type { Chain } from "../../host/index.ts";
import { BLK_HEADER, BLK_SEGMENT, BLK_STATUS, BLK_TYPE } from "../../wire/blk.ts";
import { getU32, getU64 } from "../../wire/bytes.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { RANGE_SECTORS_MAX, RANGES_MAX } from "./configuration.ts";
import { type BlkRequest, isOnDisk } from "./request.ts";

/** In bytes. */
export interface DiskRange {
  readonly position: number;
  readonly length: number;
  readonly mayUnmap: boolean;
}

/** All of the ranges, or the status that refuses the request. */
export function parseRanges(chain: Chain, request: BlkRequest, diskBytes: number): DiskRange[] | number {
  const { bytesOut, type } = request;
  const count = bytesOut / BLK_SEGMENT.bytes;
  if (!Number.isInteger(count) || count === 0 || count > RANGES_MAX) return BLK_STATUS.IOERR;
  const bytes = new Uint8Array(bytesOut);
  chain.read(BLK_HEADER.bytes, bytes);
  const ranges: DiskRange[] = [];
  for (let at = 0; at < bytesOut; at += BLK_SEGMENT.bytes) {
    const sector = getU64(bytes, at + BLK_SEGMENT.sector);
    const sectors = getU32(bytes, at + BLK_SEGMENT.sectors);
    const flags = getU32(bytes, at + BLK_SEGMENT.flags);
    // Unmap says something about write-zeroes only; a bit nobody knows cannot be honoured [5.2.6.2].
    const knownFlags = type === BLK_TYPE.WRITE_ZEROES ? BLK_SEGMENT.flagUnmap : 0;
    if ((flags & ~knownFlags) !== 0) return BLK_STATUS.UNSUPP;
    const length = sectors * SECTOR_SIZE;
    if (sectors > RANGE_SECTORS_MAX || !isOnDisk(diskBytes, sector, length)) return BLK_STATUS.IOERR;
    // What is discarded may always be given back.
    ranges.push({
      position: sector * SECTOR_SIZE,
      length,
      mayUnmap: type === BLK_TYPE.DISCARD || flags !== 0,
    });
  }
  return ranges;
}
