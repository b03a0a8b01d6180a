/** Rests, then asks for one sector. */
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";

export interface IdleArgs {
  readonly restMs: number;
}
export interface IdleResult {
  readonly wakeUs: number;
}

export default defineGuest(async ({ virtio, memory, args }): Promise<IdleResult> => {
  const disk = virtio.find(blk);
  const address = memory.allocate(512) ?? 0;
  await new Promise((resolve) => setTimeout(resolve, (args as IdleArgs).restMs));
  const begun = performance.now();
  await disk.readInto(0, 1, address);
  const wakeUs = 1000 * (performance.now() - begun);
  memory.free(address, 512);
  return { wakeUs };
});
