/** A device with a bug: its handler throws. */
import { defineDevice } from "../../src/host/index.ts";

export default defineDevice({
  name: "throwing",
  virtioId: 4,
  summary: "throws when it is kicked",
  create: () => ({
    features: 0,
    queues: [{ name: "requests" }],
    queueNotified() {
      throw new TypeError("this device has a bug");
    },
  }),
});
