import { defineDevice } from "../../../src/host/index.ts";
import upper from "./upper-device.ts";

export default defineDevice({
  ...upper,
  create: () => ({
    features: 0,
    queues: [{ name: "requests" }],
    queueNotified() {
      throw new TypeError("not what I expected");
    },
  }),
});
