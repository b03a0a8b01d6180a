/** The block device in its row: patterns written and read back; reads of the whole disk in flight. */
import { blk as driver } from "../../../src/drivers/index.ts";
import { SECTOR_SIZE } from "../../../src/wire/numbers.ts";
import { VIRTIO_TYPE } from "../../../src/wire/virtio-ids.ts";
import { type Adapter, assertEqual } from "../adapter.ts";

const REQUESTS = 64;
const SECTORS = 16;

const pattern = (seed: number) =>
  Uint8Array.from({ length: SECTORS * SECTOR_SIZE }, (_, index) => index * 13 + seed * 7);

export const blk: Adapter = {
  name: "blk",
  device: { type: "blk", options: { size: "1M", queues: 2 } },
  virtioId: VIRTIO_TYPE.blk.id,
  neighbour: "rng",
  async traffic({ virtio }) {
    const disk = virtio.find(driver);
    const all = Array.from({ length: REQUESTS }, (_, at) => at);
    await Promise.all(all.map((at) => disk.write(at * SECTORS, pattern(at))));
    await disk.flush();
    const found = await Promise.all(all.map((at) => disk.read(at * SECTORS, SECTORS)));
    for (const [at, bytes] of found.entries()) assertEqual(bytes, pattern(at), `request ${at}`);
  },
  burst({ virtio }) {
    const disk = virtio.find(driver);
    return Array.from({ length: 8 * REQUESTS }, (_, at) => disk.read((at % REQUESTS) * SECTORS, SECTORS));
  },
};
