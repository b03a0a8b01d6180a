/** Lets the balloon settle, then has the disk read into a page that the balloon took. */
import { balloon, blk } from "../../../src/drivers/index.ts";
import { defineGuest } from "../../../src/guest/define.ts";

export default defineGuest(async (guest) => {
  const page = guest.memory.allocatePages(4096) ?? 0;
  guest.memory.freePages(page, 4096);
  const waiting = guest.args as { pages: number };
  const given = guest.virtio.find(balloon);
  while ((await given.settled()) < waiting.pages) await new Promise((resolve) => setTimeout(resolve, 5));
  await guest.virtio.find(blk).readInto(0, 8, page);
  return given.actualPages;
});
