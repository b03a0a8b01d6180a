/** An entropy source that takes its time to say how it is. */
import { defineDevice } from "../../src/host/device.ts";

const TELL_MS = 1000;

export default defineDevice({
  name: "slow-to-tell",
  virtioId: 4,
  summary: "takes its time to describe itself",
  create: () => ({
    features: 0,
    queues: [{ name: "requests" }],
    queueNotified: (queue) =>
      queue.serve((chain) => queue.push(chain, chain.fill(0, chain.writableBytes, 1))),
    describe() {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TELL_MS);
      return {};
    },
  }),
});
