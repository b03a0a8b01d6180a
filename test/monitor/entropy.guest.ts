/** Reads random bytes, a little at a time, for as long as there are any. */
import { rng } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";

export default defineGuest(async ({ virtio, args }) => {
  const source = virtio.find(rng);
  let bytes = 0;
  for (let left = Number(args ?? 1000); left > 0; left--) bytes += (await source.read(16)).length;
  return bytes;
});
