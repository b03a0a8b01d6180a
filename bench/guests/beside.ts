/** Reads of a device's register on CPU 0 while another CPU keeps a disk busy: how long each took. */
import { defineGuest } from "../../src/guest/define.ts";
import type { BlockArgs } from "./block.ts";

export interface BesideArgs {
  readonly disk: BlockArgs;
  readonly reads: number;
}
export interface BesideResult {
  /** The median read, in microseconds. */
  readonly us: number;
}

const BLOCK = new URL("block.ts", import.meta.url);

export default defineGuest(async ({ virtio, args, runOn }): Promise<BesideResult> => {
  const { disk, reads } = args as BesideArgs;
  const rng = virtio.devices.find(({ id }) => id.device === 4);
  if (rng === undefined) throw new Error("no device to read registers of");
  let busy = true;
  const other = runOn(1, BLOCK, disk).finally(() => {
    busy = false;
  });
  const times: number[] = [];
  while (busy) {
    for (let read = 0; read < reads; read++) {
      const begun = performance.now();
      rng.transport.getStatus();
      times.push(1000 * (performance.now() - begun));
    }
    await new Promise(setImmediate);
  }
  await other;
  times.sort((a, b) => a - b);
  return { us: times[times.length >>> 1] ?? 0 };
});
