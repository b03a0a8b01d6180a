/** An entropy device that takes every request and answers none. */
import { defineDevice } from "../../src/host/index.ts";

export default defineDevice({
  name: "silent",
  virtioId: 4,
  summary: "takes requests and never answers",
  create: () => ({
    features: 0,
    queues: [{ name: "requests" }],
    queueNotified: (queue) => queue.serve(() => {}),
  }),
});
