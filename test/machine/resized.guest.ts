/** Reads until the disk has the size that is wanted: then the last sector is there and the next is not, on each queue. */
import { setImmediate } from "node:timers/promises";
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";

const QUEUES = 2;

export default defineGuest(async ({ virtio, args }) => {
  const disk = virtio.find(blk);
  let [wrong, refused] = [0, 0];
  const stamped = Array.from({ length: 8 }, (_, sector) => new Uint8Array(512).fill(1 + sector));
  await Promise.all(stamped.map((bytes, sector) => disk.write(sector, bytes)));
  do {
    const found = await Promise.all(stamped.map((_, sector) => disk.read(sector, 1)));
    wrong += found.filter((bytes, sector) => Buffer.compare(bytes, stamped[sector] ?? bytes) !== 0).length;
    await setImmediate();
  } while (disk.capacitySectors !== args);
  // The queues take turns.
  for (let queue = 0; queue < QUEUES; queue++) await disk.read(disk.capacitySectors - 1, 1);
  for (let queue = 0; queue < QUEUES; queue++)
    await disk.read(disk.capacitySectors, 1).catch(() => refused++);
  return { wrong, refused };
});
