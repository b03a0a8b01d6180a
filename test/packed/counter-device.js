// A device in plain JavaScript: counts the buffers it is given and writes the count into each.
import { defineDevice } from "virtlab/host";

export default defineDevice({
  name: "counter",
  virtioId: 42,
  summary: "writes 1, 2, 3, … into the buffers it is given",
  create() {
    let count = 0;
    return {
      features: 0,
      queues: [{ name: "requests" }],
      queueNotified(queue) {
        queue.serve((chain) => {
          count++;
          queue.push(chain, chain.write(0, Uint8Array.of(count)));
        });
      },
      reset() {
        count = 0;
      },
    };
  },
});
