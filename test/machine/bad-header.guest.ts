/** Behind its driver's back, gives the disk's second queue a request with too short a header. */
import { type DriverQueue, defineGuest, ScatterList } from "../../src/guest/index.ts";

export default defineGuest(({ virtio, memory }) => {
  const queue = virtio.devices[0]?.transport.queues[1] as DriverQueue<string> | undefined;
  const address = memory.allocate(64);
  if (queue === undefined || address === undefined) throw new Error("no second queue, or no memory");
  queue.disableCallbacks();
  queue.add(new ScatterList().addReadable(address, 4).addWritable(address + 32, 1), "short");
  queue.kick();
  // No interrupt is taken meanwhile: the driver would not know what came back.
  while (queue.get() !== "short");
  return Promise.resolve();
});
