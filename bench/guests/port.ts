/** Register accesses of a device, timed: status reads (trapped), status writes (posted), kicks. */
import { defineGuest } from "../../src/guest/define.ts";

export interface PortArgs {
  readonly access: "read" | "write" | "kick";
  readonly count: number;
}

/** Posted writes are bounded by the ring: a read after each few of them keeps them from filling it. */
const WRITES_PER_READ = 64;

export default defineGuest(async ({ virtio, args }): Promise<number> => {
  const { access, count } = args as PortArgs;
  const transport = virtio.devices[0]?.transport;
  const queue = transport?.queues[0];
  if (transport === undefined || queue === undefined) throw new Error("no device");
  const status = transport.getStatus();
  let same = 0;
  const begun = performance.now();
  if (access === "read") {
    for (let i = 0; i < count; i++) if (transport.getStatus() === status) same++;
  } else if (access === "kick") {
    for (let i = 0; i < count; i++, same++) queue.notify();
  } else {
    for (let i = 0; i < count; i++, same++) {
      transport.setStatus(status);
      if (i % WRITES_PER_READ === 0) transport.getStatus();
    }
  }
  const ms = performance.now() - begun;
  if (same !== count) throw new Error(`${count - same} reads of the status differed`);
  return ms;
});
