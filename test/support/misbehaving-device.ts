/** Answers a request for entropy as it should, and misbehaves where nobody waits for it. */
import { defineDevice } from "../../src/host/index.ts";

const fail = (): never => {
  throw new TypeError("this device has a bug");
};

export default defineDevice({
  name: "misbehaving",
  virtioId: 4,
  summary: "misbehaves after its answer, when it is asked for its state, or when it is closed",
  options: { where: { type: ["after", "describe", "close"], default: "after", help: "where it does" } },
  create: ({ where }) => ({
    features: 0,
    queues: [{ name: "requests" }],
    queueNotified(queue) {
      queue.serve((chain) => queue.push(chain, chain.fill(0, chain.writableBytes, 7)));
      while (where === "after");
    },
    describe: () => (where === "describe" ? fail() : {}),
    close: async () => (where === "close" ? fail() : undefined),
  }),
});
