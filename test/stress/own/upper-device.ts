/** A user's device: gives back what it is sent, in capitals. */
import { defineDevice } from "../../../src/host/index.ts";

export default defineDevice({
  name: "upper",
  virtioId: 42,
  summary: "gives back text in capitals",
  create: () => ({
    features: 0,
    queues: [{ name: "requests" }],
    queueNotified(queue) {
      queue.serve((chain) => {
        const text = new Uint8Array(chain.readableBytes);
        chain.read(0, text);
        queue.push(
          chain,
          chain.write(0, Buffer.from(Buffer.from(text).toString("latin1").toUpperCase(), "latin1")),
        );
      });
    },
  }),
});
