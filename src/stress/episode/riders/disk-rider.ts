/**
 * Writes stamped sectors and reads them back. Of writes that are cancelled some are tried again, on whatever disk is in
 * the place by then, as a kernel's block layer does after a reset; the others stay failed.
 */
import type { Disk } from "../../../drivers/index.ts";
import type { VirtioDevice } from "../../../guest/virtio/types.ts";
import { DiskLedger, isZeroStamp, REGION_SECTORS, stampedRegion } from "../disk-ledger.ts";
import { DISK_BYTES } from "../random-device.ts";
import { type Rider, type RiderContext, unlessTolerated } from "./rider.ts";

const READ_BACK_REGIONS = 4;
const RETRIES_MAX = 8;
const RETRY_MS = 5;

export class DiskRider implements Rider {
  bytesVerified = 0;
  readonly #context: RiderContext;
  readonly #ledger: DiskLedger;
  readonly #busy = new Set<number>();
  #nextStamp = 1;

  constructor(context: RiderContext) {
    this.#context = context;
    this.#ledger = context.ledger ?? DiskLedger.allocate(DISK_BYTES);
  }

  async ride(device: VirtioDevice): Promise<void> {
    const disk = device.driverData as Disk;
    const { random } = this.#context;
    const region = this.#choose();
    if (this.#busy.has(region)) return;
    this.#busy.add(region);
    try {
      await this.#write(disk, region);
      if (random.next() % 4 === 0) await unlessTolerated(this.#context, disk.flush());
      await this.#verify(disk, region);
    } finally {
      this.#busy.delete(region);
    }
  }

  async rest(device: VirtioDevice): Promise<void> {
    const disk = device.driverData as Disk;
    for (let turn = 0; turn < READ_BACK_REGIONS; turn++) {
      const region = this.#choose();
      if (this.#ledger.isTouched(region)) await this.#verify(disk, region);
    }
  }

  /** Each CPU has regions of its own. */
  #choose(): number {
    const { random, guest, cpus } = this.#context;
    const own = Math.floor(this.#ledger.regions / cpus);
    return (random.next() % own) * cpus + guest.cpu;
  }

  async #write(first: Disk, region: number): Promise<void> {
    const stamp = this.#nextStamp++;
    const data = stampedRegion(region, stamp);
    const retries = this.#context.random.next() % 2 === 0 ? RETRIES_MAX : 0;
    this.#ledger.asked(region, stamp);
    let disk: Disk | undefined = first;
    for (let attempt = 0; attempt <= retries; attempt++) {
      const work = disk && write(disk, region * REGION_SECTORS, stamp, data).then(() => true);
      if (work !== undefined && (await unlessTolerated(this.#context, work)) === true) {
        this.#ledger.written(region, stamp);
        return;
      }
      if (attempt < retries) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      disk = this.#context.device()?.driverData as Disk | undefined;
    }
  }

  async #verify(disk: Disk, region: number): Promise<void> {
    const found = await unlessTolerated(this.#context, disk.read(region * REGION_SECTORS, REGION_SECTORS));
    if (found === undefined) return;
    const wrong = this.#ledger.check(region, found);
    if (wrong !== undefined) throw new Error(wrong);
    this.bytesVerified += found.length;
  }
}

/** Zeros need not be sent, where the disk knows how to write them. */
function write(disk: Disk, sector: number, stamp: number, data: Uint8Array): Promise<void> {
  const known = disk.facts.writeZeroesSectorsMax > 0;
  return isZeroStamp(stamp) && known ? disk.writeZeroes(sector, REGION_SECTORS) : disk.write(sector, data);
}
