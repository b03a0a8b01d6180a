/** Register accesses of a device, timed: status reads (trapped), status writes (posted), kicks. */
import { defineGuest } from "../../src/guest/define.ts";

export interface PortArgs {
  readonly access: "read" | "write" | "kick";
  /** Accesses that are timed, after `warmUps` times as many. */
  readonly count: number;
  readonly warmUps: number;
}

/** Posted writes are bounded by the ring: a read after each few of them keeps them from filling it. */
const WRITES_PER_READ = 64;

export default defineGuest(async ({ virtio, args }): Promise<number> => {
  const { access, count, warmUps } = args as PortArgs;
  const transport = virtio.devices[0]?.transport;
  const queue = transport?.queues[0];
  if (transport === undefined || queue === undefined) throw new Error("no device");
  const status = transport.getStatus();
  for (let round = 0; round < warmUps; round++) perform();
  const begun = performance.now();
  perform();
  return performance.now() - begun;

  function perform(): void {
    if (transport === undefined || queue === undefined) return;
    let differed = 0;
    if (access === "read") {
      for (let i = 0; i < count; i++) if (transport.getStatus() !== status) differed++;
    } else if (access === "kick") {
      for (let i = 0; i < count; i++) queue.notify();
    } else {
      for (let i = 0; i < count; i++) {
        transport.setStatus(status);
        if (i % WRITES_PER_READ === 0) transport.getStatus();
      }
    }
    if (differed > 0) throw new Error(`${differed} reads of the status differed`);
  }
});
