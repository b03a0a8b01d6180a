/** A guest program: writes the whole disk and reads it back, round after round, each time with other bytes. */
import { blk, type Disk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import { SECTOR_SIZE } from "../../src/wire/numbers.ts";
import { Random } from "../../src/wire/random.ts";

const DEPTH = 16;
/** Not all chunks are of one length, so that they begin and end anywhere. */
const CHUNK_SECTORS = [8, 64, 1, 255, 128, 33, 256, 16];

interface Chunk {
  readonly sector: number;
  readonly count: number;
}

export default defineGuest(async ({ virtio, args }) => {
  const [total] = (args as string[]).map(Number);
  const disk = virtio.find(blk);
  const chunks = layOut(disk.capacitySectors);
  let bytes = 0;
  let different = 0;
  for (let round = 1; bytes < (total ?? 0); round++) {
    await each(chunks, (chunk) => disk.write(chunk.sector, content(chunk, round)));
    await disk.flush();
    await each(chunks, async (chunk) => {
      if (!(await matches(disk, chunk, round))) different++;
    });
    bytes += 2 * disk.capacitySectors * SECTOR_SIZE;
  }
  return { bytes, different };
});

function layOut(sectors: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (let sector = 0; sector < sectors; ) {
    const count = Math.min(CHUNK_SECTORS[chunks.length % CHUNK_SECTORS.length] ?? 1, sectors - sector);
    chunks.push({ sector, count });
    sector += count;
  }
  return chunks;
}

function content({ sector, count }: Chunk, round: number): Uint8Array {
  const bytes = new Uint8Array(count * SECTOR_SIZE);
  new Random(round * 0x1_0000 + sector).fill(bytes);
  return bytes;
}

const matches = async (disk: Disk, chunk: Chunk, round: number): Promise<boolean> =>
  Buffer.compare(await disk.read(chunk.sector, chunk.count), content(chunk, round)) === 0;

/** `DEPTH` of them at a time. */
async function each(chunks: readonly Chunk[], work: (chunk: Chunk) => Promise<void>): Promise<void> {
  const left = chunks.values();
  const lane = async () => {
    for (const chunk of left) await work(chunk);
  };
  await Promise.all(Array.from({ length: DEPTH }, lane));
}
