/** Writes and reads stamped sectors until it has seen the disk leave and come back so often, and says what it saw. */
import { blk, type Disk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";

export default defineGuest(async ({ virtio, args, progress }) => {
  const times = args as number;
  let cancelled = 0;
  let afterwards = 0;
  let last: Disk | undefined;
  while (cancelled < times || afterwards === 0) {
    const [disk] = virtio.findAll(blk);
    if (disk === undefined || disk === last) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    try {
      await disk.write(afterwards % 8, new Uint8Array(512).fill(1 + cancelled));
      const found = await disk.read(afterwards % 8, 1);
      if (found[0] !== 1 + cancelled) throw new Error(`read ${found[0]} after writing ${1 + cancelled}`);
      afterwards++;
    } catch (error) {
      if ((error as Error).name !== "CancelledError") throw error;
      cancelled++;
      afterwards = 0;
      last = disk;
    }
    progress("rounds", cancelled, afterwards);
  }
  return { cancelled };
});
