/** The same with a mistake that many have made: it takes one request for each kick. */
import { defineDevice } from "../../../src/host/index.ts";
import upper from "./upper-device.ts";

export default defineDevice({
  ...upper,
  create: () => ({
    features: 0,
    queues: [{ name: "requests" }],
    queueNotified(queue) {
      const chain = queue.pop();
      if (chain === undefined) return;
      const text = new Uint8Array(chain.readableBytes);
      chain.read(0, text);
      queue.push(
        chain,
        chain.write(0, Buffer.from(Buffer.from(text).toString("latin1").toUpperCase(), "latin1")),
      );
      queue.flush();
      queue.enableNotifications();
    },
  }),
});
