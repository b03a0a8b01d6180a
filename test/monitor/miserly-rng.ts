/** An entropy source with a defect: it returns its first buffer as it came, without a byte in it. */
import { defineDevice } from "../../src/host/index.ts";
import { VIRTIO_TYPE } from "../../src/wire/virtio-ids.ts";

export default defineDevice({
  name: "miserly-rng",
  virtioId: VIRTIO_TYPE.rng.id,
  summary: "entropy source that returns its first buffer empty",
  create(_options, platform) {
    let served = 0;
    return {
      features: 0,
      queues: [{ name: "requests" }],
      queueNotified(queue) {
        queue.serve((chain) => {
          const bytes = new Uint8Array(served++ === 0 ? 0 : chain.writableBytes);
          platform.randomFill(bytes);
          queue.push(chain, chain.write(0, bytes));
        });
      },
    };
  },
});
