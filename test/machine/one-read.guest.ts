/** Reads a sector, and resets the disk. */
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";

export default defineGuest(async ({ virtio }) => {
  await virtio.find(blk).read(0, 1);
  const [device] = virtio.devices;
  if (device !== undefined) virtio.reset(device);
});
