/**
 * What a disk may hold, kept in shared bytes that outlive the guest worker. Of each region: the newest stamp that the
 * driver was told is written, and the newest that was asked for. A write that was cancelled or failed may have happened
 * or not, in each of its sectors, until the next one that completes.
 */
import { allocateShared, type SharedBuffer } from "../../memory/attach.ts";
import { LiveMemory } from "../../memory/live-memory.ts";
import { getU32, putU32 } from "../../wire/bytes.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";

/** Sectors are handed out in regions, one request at a time each, so that no two writes overlap in time. */
export const REGION_SECTORS = 8;
export const REGION_BYTES = REGION_SECTORS * SECTOR_SIZE;
const WORDS_PER_REGION = 2;
/** Every so many-th stamp stands for zeros, which a disk can be asked for without sending them. */
const ZERO_EVERY = 8;

export class DiskLedger {
  readonly buffer: SharedBuffer;
  readonly regions: number;
  readonly #memory: LiveMemory;

  static allocate(diskBytes: number): DiskLedger {
    return new DiskLedger(allocateShared(4 * WORDS_PER_REGION * Math.floor(diskBytes / REGION_BYTES)));
  }

  constructor(buffer: SharedBuffer) {
    this.buffer = buffer;
    this.#memory = new LiveMemory(buffer);
    this.regions = this.#memory.byteLength / (4 * WORDS_PER_REGION);
  }

  /** Comes before the write. */
  asked(region: number, stamp: number): void {
    this.#memory.store32(8 * region + 4, stamp, 0);
  }
  /** The write completed. */
  written(region: number, stamp: number): void {
    this.#memory.store32(8 * region, stamp, 0);
  }

  isTouched(region: number): boolean {
    return this.#memory.load32(8 * region + 4, 0) !== 0;
  }

  /** What is wrong with the contents of a region, in a sentence; undefined: nothing. */
  check(region: number, found: Uint8Array): string | undefined {
    const least = this.#memory.load32(8 * region, 0);
    const most = this.#memory.load32(8 * region + 4, 0);
    for (let index = 0; index < REGION_SECTORS; index++) {
      const sector = region * REGION_SECTORS + index;
      const bytes = found.subarray(index * SECTOR_SIZE, (index + 1) * SECTOR_SIZE);
      const stamp = getU32(bytes, 0);
      const possible = stamp === 0 ? mayBeZero(least, most) : stamp >= least && stamp <= most;
      if (!possible || Buffer.compare(bytes, stampedSector(sector, stamp)) !== 0) {
        const expected = least === most ? `${least}` : `${least} to ${most}`;
        return `disk: sector ${sector} carries stamp ${stamp} of sector ${getU32(bytes, 4)}, expected stamp ${expected}`;
      }
    }
    return undefined;
  }
}

export function stampedRegion(region: number, stamp: number): Uint8Array {
  const bytes = new Uint8Array(REGION_BYTES);
  for (let sector = 0; sector < REGION_SECTORS; sector++) {
    bytes.set(stampedSector(region * REGION_SECTORS + sector, stamp), sector * SECTOR_SIZE);
  }
  return bytes;
}

/** A region of this stamp is all zeros, as one that was never written. */
export const isZeroStamp = (stamp: number): boolean => stamp % ZERO_EVERY === 0;

const mayBeZero = (least: number, most: number): boolean =>
  Math.ceil(least / ZERO_EVERY) * ZERO_EVERY <= most;

/** Stamp and sector number at the front, and a pattern of both to the end. */
function stampedSector(sector: number, stamp: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR_SIZE);
  if (isZeroStamp(stamp)) return bytes;
  bytes.fill((stamp * 31 + sector) & 0xff);
  putU32(bytes, 0, stamp);
  putU32(bytes, 4, sector);
  return bytes;
}
