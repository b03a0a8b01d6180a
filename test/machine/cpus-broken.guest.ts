/** Each CPU reads until its disk is taken from it; CPU 0 then resets the device, and all of them read again. */
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";

export interface BrokenResult {
  /** How the reads ended: those of CPU 1 first, and then CPU 0's. */
  readonly ends: readonly string[];
  readonly again: readonly unknown[];
}

const SELF = new URL(import.meta.url);

export default defineGuest(async ({ virtio, cpu, args, runOn }): Promise<unknown> => {
  const read = () =>
    virtio
      .find(blk)
      .read(1, 1)
      .then(
        (bytes) => `${bytes.length} bytes`,
        (error: Error) => error.name,
      );
  if (cpu === 1) return args === "once" ? read() : Promise.all([read(), read(), read()]);
  const ends = (await runOn(1, SELF)) as string[];
  ends.push(await read());
  const [device] = virtio.devices;
  if (device === undefined) throw new Error("no disk");
  virtio.reset(device);
  return { ends, again: [await runOn(1, SELF, "once"), await read()] } satisfies BrokenResult;
});
