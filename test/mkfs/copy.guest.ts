/** Writes an image to the disk block by block through the driver, holes left out, then flushes and reads it back. */
import { open } from "node:fs/promises";
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import { SECTOR_SIZE } from "../../src/wire/numbers.ts";

const BLOCK_BYTES = 4096;
const SECTORS = BLOCK_BYTES / SECTOR_SIZE;
const DEPTH = 32;

export default defineGuest(async ({ virtio, args }) => {
  const disk = virtio.find(blk);
  const image = await open(String(args), "r");
  const { size } = await image.stat();
  const blocks = size / BLOCK_BYTES;
  const sources: Buffer[] = [];
  for (let at = 0; at < blocks; at++) {
    const block = Buffer.alloc(BLOCK_BYTES);
    await image.read(block, 0, BLOCK_BYTES, at * BLOCK_BYTES);
    sources.push(block);
  }
  await image.close();
  let written = 0;
  await inBatches(blocks, async (at) => {
    const block = sources[at];
    if (block === undefined || block.every((byte) => byte === 0)) return;
    await disk.write(at * SECTORS, block);
    written++;
  });
  await disk.flush();
  let equal = 0;
  await inBatches(blocks, async (at) => {
    if (sources[at]?.equals(await disk.read(at * SECTORS, SECTORS))) equal++;
  });
  return { blocks, written, equal };
});

async function inBatches(count: number, work: (at: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < count; at += DEPTH) {
    await Promise.all(Array.from({ length: Math.min(DEPTH, count - at) }, (_, index) => work(at + index)));
  }
}
