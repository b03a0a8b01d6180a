/** A device that presses Ctrl-C and falls over at the first request. */
import { defineDevice } from "../../../src/host/index.ts";
import upper from "./upper-device.ts";

export default defineDevice({
  ...upper,
  name: "last-straw",
  create: () => ({
    features: 0,
    queues: [{ name: "requests" }],
    queueNotified() {
      process.emit("SIGINT");
      throw new TypeError("not what I expected");
    },
  }),
});
