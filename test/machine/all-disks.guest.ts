/** On every disk at once: sectors written, flushed and read back, many at a time. */
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";

const SECTORS = 200;

export default defineGuest(async ({ virtio }) => {
  const disks = virtio.findAll(blk);
  const sectors = Array.from({ length: SECTORS }, (_, index) => index);
  const wrong = await Promise.all(
    disks.map(async (disk, at) => {
      const stamp = (sector: number) => new Uint8Array(512).fill(50 * at + sector);
      await Promise.all(sectors.map((sector) => disk.write(sector, stamp(sector))));
      await disk.flush();
      const found = await Promise.all(sectors.map((sector) => disk.read(sector, 1)));
      return found.filter((bytes, sector) => Buffer.compare(bytes, stamp(sector)) !== 0).length;
    }),
  );
  return { disks: disks.length, wrong: wrong.reduce((sum, each) => sum + each, 0) };
});
