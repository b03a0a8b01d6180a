/** What each request type does to the disk. */
import type { Chain, DeviceQueue } from "../../host/index.ts";
import { BLK_HEADER, BLK_ID_BYTES, BLK_STATUS, BLK_TYPE } from "../../wire/blk.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { andThen, type Disk } from "./disk.ts";
import { parseRanges } from "./ranges.ts";
import { type BlkRequest, isOnDisk } from "./request.ts";

/** A request's end: its status, and the data bytes written into its buffers. */
export interface Outcome {
  readonly status: number;
  readonly written: number;
}
const OK: Outcome = { status: BLK_STATUS.OK, written: 0 };
export const IOERR: Outcome = { status: BLK_STATUS.IOERR, written: 0 };
const UNSUPP: Outcome = { status: BLK_STATUS.UNSUPP, written: 0 };

export interface Job {
  readonly queue: DeviceQueue;
  readonly chain: Chain;
  readonly request: BlkRequest;
  /** What changes the disk is durable when it completes. */
  readonly writeThrough: boolean;
}

export function perform(disk: Disk, serial: Uint8Array, job: Job): Outcome | Promise<Outcome> {
  switch (job.request.type) {
    case BLK_TYPE.IN:
      return read(disk, job);
    case BLK_TYPE.OUT:
      return write(disk, job);
    case BLK_TYPE.FLUSH:
      return andThen(disk.flush(), () => OK);
    case BLK_TYPE.GET_ID:
      return { status: BLK_STATUS.OK, written: writeId(job, serial) };
    case BLK_TYPE.DISCARD:
    case BLK_TYPE.WRITE_ZEROES:
      return zero(disk, job);
    default:
      return UNSUPP;
  }
}

function read(disk: Disk, { queue, chain, request }: Job): Outcome | Promise<Outcome> {
  const { sector, bytesIn } = request;
  if (!isOnDisk(disk.bytes, sector, bytesIn)) return IOERR;
  const position = sector * SECTOR_SIZE;
  if (disk.readNow?.(position, chain.writableWindows(0, bytesIn))) {
    return { status: BLK_STATUS.OK, written: bytesIn };
  }
  return disk.read(position, bytesIn, (bytes) =>
    // After a reset the memory is the driver's again.
    queue.detached ? OK : { status: BLK_STATUS.OK, written: chain.write(0, bytes) },
  );
}

function write(disk: Disk, { chain, request, writeThrough }: Job): Outcome | Promise<Outcome> {
  const { sector, bytesOut } = request;
  if (disk.readOnly || !isOnDisk(disk.bytes, sector, bytesOut)) return IOERR;
  const sources = chain.readableWindows(BLK_HEADER.bytes, bytesOut);
  return andThen(disk.write(sector * SECTOR_SIZE, sources), () => settle(disk, writeThrough));
}

function zero(disk: Disk, { chain, request, writeThrough }: Job): Outcome | Promise<Outcome> {
  if (disk.readOnly) return IOERR;
  const ranges = parseRanges(chain, request, disk.bytes);
  if (typeof ranges === "number") return { status: ranges, written: 0 };
  const all = ranges.reduce<void | Promise<void>>(
    (before, { position, length, mayUnmap }) => andThen(before, () => disk.zero(position, length, mayUnmap)),
    undefined,
  );
  return andThen(all, () => settle(disk, writeThrough));
}

const settle = (disk: Disk, writeThrough: boolean): Outcome | Promise<Outcome> =>
  writeThrough ? andThen(disk.flush(), () => OK) : OK;

/** The serial number, padded with NULs to 20 bytes [5.2.6]. */
function writeId({ chain, request }: Job, serial: Uint8Array): number {
  const padded = new Uint8Array(BLK_ID_BYTES);
  padded.set(serial);
  return chain.write(0, padded.subarray(0, request.bytesIn));
}
