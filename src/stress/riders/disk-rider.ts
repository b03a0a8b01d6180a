/**
 * Writes stamped sectors and reads them back. A write that was cancelled may or may not have happened, in each of its
 * sectors: until the next write that completes, both stamps are right.
 */
import type { Disk } from "../../drivers/index.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { getU32, putU32 } from "../../wire/bytes.ts";
import { SECTOR_SIZE } from "../../wire/numbers.ts";
import { type Rider, type RiderContext, unlessCancelled } from "./rider.ts";

/** Sectors are handed out in regions, one request at a time each, so that no two writes overlap in time. */
const REGION_SECTORS = 8;
const READ_BACK_REGIONS = 4;

export class DiskRider implements Rider {
  bytesVerified = 0;
  readonly #context: RiderContext;
  /** Per region: the stamps that its sectors may carry (0: never written). */
  readonly #stamps = new Map<number, number[]>();
  readonly #busy = new Set<number>();
  #nextStamp = 1;

  constructor(context: RiderContext) {
    this.#context = context;
  }

  async ride(device: VirtioDevice): Promise<void> {
    const disk = device.driverData as Disk;
    const region = this.#context.random.next() % Math.floor(disk.capacitySectors / REGION_SECTORS);
    if (this.#busy.has(region)) return;
    this.#busy.add(region);
    try {
      await this.#write(disk, region);
      if (this.#context.random.next() % 4 === 0) await unlessCancelled(disk.flush());
      await this.#verify(disk, region);
    } finally {
      this.#busy.delete(region);
    }
  }

  async rest(device: VirtioDevice): Promise<void> {
    const written = [...this.#stamps.keys()];
    for (let turn = 0; turn < READ_BACK_REGIONS; turn++) {
      const region = written[this.#context.random.next() % Math.max(1, written.length)];
      if (region !== undefined) await this.#verify(device.driverData as Disk, region);
    }
  }

  async #write(disk: Disk, region: number): Promise<void> {
    const stamp = this.#nextStamp++;
    const before = this.#stamps.get(region) ?? [0];
    this.#stamps.set(region, [...before, stamp]);
    const done = await unlessCancelled(
      disk.write(region * REGION_SECTORS, stamped(region, stamp)).then(() => true),
    );
    if (done === true) this.#stamps.set(region, [stamp]);
  }

  async #verify(disk: Disk, region: number): Promise<void> {
    const found = await unlessCancelled(disk.read(region * REGION_SECTORS, REGION_SECTORS));
    if (found === undefined) return;
    const allowed = this.#stamps.get(region) ?? [0];
    for (let sector = 0; sector < REGION_SECTORS; sector++) {
      const bytes = found.subarray(sector * SECTOR_SIZE, (sector + 1) * SECTOR_SIZE);
      const stamp = getU32(bytes, 0);
      const expected = stampedSector(region * REGION_SECTORS + sector, stamp);
      if (!allowed.includes(stamp) || (stamp !== 0 && Buffer.compare(bytes, expected) !== 0)) {
        throw new Error(
          `disk: sector ${region * REGION_SECTORS + sector} carries stamp ${stamp}, expected ${allowed.join(" or ")}`,
        );
      }
    }
    this.bytesVerified += found.length;
  }
}

function stamped(region: number, stamp: number): Uint8Array {
  const bytes = new Uint8Array(REGION_SECTORS * SECTOR_SIZE);
  for (let sector = 0; sector < REGION_SECTORS; sector++) {
    bytes.set(stampedSector(region * REGION_SECTORS + sector, stamp), sector * SECTOR_SIZE);
  }
  return bytes;
}

/** Stamp and sector number at the front, and a pattern of both to the end. */
function stampedSector(sector: number, stamp: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR_SIZE).fill((stamp * 31 + sector) & 0xff);
  putU32(bytes, 0, stamp);
  putU32(bytes, 4, sector);
  return bytes;
}
