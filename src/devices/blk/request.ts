/**
 * A block request as it lies in a chain: 16 header bytes first in the readable part, the status byte last in the
 * writable part, data in between [virtio 1.4, 5.2.6]. Found by counting bytes: how a driver cuts its descriptors is
 * its own business.
 */
import type { Chain } from "../../host/index.ts";
import { BLK_HEADER } from "../../wire/blk.ts";
import { getU32, getU64 } from "../../wire/bytes.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";

export interface BlkRequest {
  readonly type: number;
  readonly sector: number;
  /** Data bytes from the driver, and room for data to it. */
  readonly bytesOut: number;
  readonly bytesIn: number;
}

/** The request in a chain, or what is wrong with it. */
export function parseRequest(chain: Chain): BlkRequest | string {
  if (chain.readableBytes < BLK_HEADER.bytes) {
    return `${chain.readableBytes} readable bytes, too few for the ${BLK_HEADER.bytes}-byte header`;
  }
  if (chain.writableBytes < 1) return "no writable byte for the status";
  const header = new Uint8Array(BLK_HEADER.bytes);
  chain.read(0, header);
  return {
    type: getU32(header, BLK_HEADER.type),
    sector: getU64(header, BLK_HEADER.sector),
    bytesOut: chain.readableBytes - BLK_HEADER.bytes,
    bytesIn: chain.writableBytes - 1,
  };
}

/** Whether whole sectors of a disk are meant, all of them on it. */
export function isOnDisk(diskBytes: number, sector: number, length: number): boolean {
  if (length % SECTOR_SIZE !== 0) return false;
  // Compared this way round because a sector number may be anything up to 2^64.
  return sector <= (diskBytes - length) / SECTOR_SIZE;
}
