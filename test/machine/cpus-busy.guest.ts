/** Writes and reads sectors of its own over and over, whatever becomes of the disk meanwhile, until sector 0 says stop. */
import { setImmediate } from "node:timers/promises";
import { blk, CancelledError } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";

export interface BusyResult {
  /** Sectors written and read back; those that were not what was written; requests that a reset ended. */
  readonly good: number;
  readonly wrong: number;
  readonly cancelled: number;
  /** Bytes of this CPU's memory that are in use without a disk. */
  readonly leaked: number;
}

export const STOP = 0x55;
const SECTORS = 32;

export default defineGuest(async ({ virtio, memory, cpu }): Promise<BusyResult> => {
  let [good, wrong, cancelled] = [0, 0, 0];
  const stamps = (round: number) =>
    Array.from({ length: SECTORS }, (_, index) => new Uint8Array(512).fill(round + index));
  for (let round = 1; ; round++) {
    const [disk] = virtio.findAll(blk);
    // CPU 0 has it back just now.
    if (disk === undefined) {
      await setImmediate();
      continue;
    }
    try {
      const first = SECTORS * cpu;
      const written = stamps(round);
      await Promise.all(written.map((bytes, index) => disk.write(first + index, bytes)));
      const read = await Promise.all(written.map((_, index) => disk.read(first + index, 1)));
      for (const [index, bytes] of read.entries()) {
        if (Buffer.compare(bytes, written[index] ?? new Uint8Array()) === 0) good++;
        else wrong++;
      }
      if ((await disk.read(0, 1))[0] === STOP) break;
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      cancelled++;
    }
  }
  while (virtio.findAll(blk).length > 0) await setImmediate();
  return { good, wrong, cancelled, leaked: memory.allocatedBytes };
});
