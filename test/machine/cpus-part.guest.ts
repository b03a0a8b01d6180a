/** On each CPU: sectors stamped with the CPU's number written to an area of its own and read back, with the disk it finds. */
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";

export interface PartResult {
  readonly cpu: number;
  readonly wrong: number;
  readonly queues: readonly number[];
}

const SECTORS = 64;

export default defineGuest(async ({ virtio, cpu }): Promise<PartResult> => {
  const disk = virtio.find(blk);
  const first = cpu * SECTORS;
  const stamp = (sector: number) => new Uint8Array(512).fill(cpu * 64 + (sector % 64));
  const sectors = Array.from({ length: SECTORS }, (_, index) => first + index);
  await Promise.all(sectors.map((sector) => disk.write(sector, stamp(sector))));
  const found = await Promise.all(sectors.map((sector) => disk.read(sector, 1)));
  const wrong = found.filter((bytes, index) => Buffer.compare(bytes, stamp(first + index)) !== 0).length;
  const queues = virtio.devices.flatMap(({ transport }) => transport.queues.map(({ index }) => index));
  return { cpu, wrong, queues };
});
