/** On CPU 0: its own part of the work, and at the same time that of the other CPUs. */
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import part, { type PartResult } from "./cpus-part.guest.ts";

const PART = new URL("cpus-part.guest.ts", import.meta.url);

export default defineGuest(async (guest): Promise<PartResult[]> => {
  guest.virtio.find(blk);
  const others = Array.from({ length: guest.cpus - 1 }, (_, index) => guest.runOn(index + 1, PART));
  return (await Promise.all([part(guest), ...others])) as PartResult[];
});
