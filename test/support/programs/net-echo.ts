/** Sends every frame back until it has had so many; answers with what the driver counted. */
import { type Nic, net } from "../../../src/drivers/index.ts";
import { defineGuest } from "../../../src/guest/define.ts";

export default defineGuest(async ({ virtio, args }) => {
  const nic: Nic = virtio.find(net);
  const sends: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    nic.onFrame((frame) => {
      sends.push(nic.send(frame.slice()));
      if (sends.length === Number(args)) resolve();
    });
  });
  await Promise.all(sends);
  return nic.counters;
});
