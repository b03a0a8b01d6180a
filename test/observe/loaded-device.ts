/** A device that says what its worker has loaded. */
import { defineDevice } from "../../src/host/index.ts";
import { loadedModules } from "./loaded.ts";

export default defineDevice({
  name: "loaded",
  virtioId: 42,
  summary: "says what its worker has loaded",
  create: () => ({
    features: 0,
    queues: [{ name: "none" }],
    queueNotified: () => {},
    describe: () => ({ modules: loadedModules() }),
  }),
});
