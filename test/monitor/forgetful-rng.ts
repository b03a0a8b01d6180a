/** An entropy source with a defect: it overlooks its hundredth kick. */
import { defineDevice } from "../../src/host/index.ts";
import { VIRTIO_TYPE } from "../../src/wire/virtio-ids.ts";

const OVERLOOKED = 100;

export default defineDevice({
  name: "forgetful-rng",
  virtioId: VIRTIO_TYPE.rng.id,
  summary: "entropy source that overlooks its hundredth kick",
  create(_options, platform) {
    let kicks = 0;
    return {
      features: 0,
      queues: [{ name: "requests" }],
      queueNotified(queue) {
        kicks++;
        if (kicks === OVERLOOKED) return;
        queue.serve((chain) => {
          const bytes = new Uint8Array(chain.writableBytes);
          platform.randomFill(bytes);
          queue.push(chain, chain.write(0, bytes));
        });
      },
      describe: () => ({ kicks }),
    };
  },
});
