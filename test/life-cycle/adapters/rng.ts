/** The entropy device in its row: as many bytes as asked for, and never the same twice. */
import { rng as driver } from "../../../src/drivers/index.ts";
import { VIRTIO_TYPE } from "../../../src/wire/virtio-ids.ts";
import type { Adapter } from "../adapter.ts";

const REQUESTS = 16;
const BYTES = 4096;

export const rng: Adapter = {
  name: "rng",
  device: { type: "rng" },
  virtioId: VIRTIO_TYPE.rng.id,
  neighbour: "blk",
  async traffic({ virtio }) {
    const source = virtio.find(driver);
    const found = await Promise.all(Array.from({ length: REQUESTS }, () => source.read(BYTES)));
    const distinct = new Set(found.map((bytes) => Buffer.from(bytes).toString("hex")));
    if (distinct.size !== REQUESTS)
      throw new Error(`${distinct.size} different answers to ${REQUESTS} requests`);
    for (const bytes of found)
      if (bytes.length !== BYTES) throw new Error(`${bytes.length} bytes of ${BYTES}`);
  },
  burst({ virtio }) {
    const source = virtio.find(driver);
    return Array.from({ length: 8 * REQUESTS }, () => source.read(BYTES));
  },
};
