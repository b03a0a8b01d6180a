/** The balloon in its row: inflates to its target whenever it is taken anew, and each wait for that ends. */
import { balloon as driver } from "../../../src/drivers/index.ts";
import { VIRTIO_TYPE } from "../../../src/wire/virtio-ids.ts";
import type { Adapter } from "../adapter.ts";

const TARGET_MIB = 16;
const TARGET_PAGES = TARGET_MIB * 256;
const WAITS = 16;

export const balloon: Adapter = {
  name: "balloon",
  device: { type: "balloon", options: { target: `${TARGET_MIB}M` } },
  virtioId: VIRTIO_TYPE.balloon.id,
  neighbour: "rng",
  async traffic({ virtio, memory }) {
    const pages = await virtio.find(driver).settled();
    if (pages !== TARGET_PAGES) throw new Error(`${pages} pages given away, not ${TARGET_PAGES}`);
    const left = memory.ram.size - TARGET_PAGES * 4096;
    if (memory.freeBytes > left)
      throw new Error(`${memory.freeBytes} bytes are free, ${left} could be at most`);
  },
  burst({ virtio }) {
    const inflating = virtio.find(driver);
    return Array.from({ length: WAITS }, () => inflating.settled());
  },
};
