/** Waits until each balloon has followed its target, and says how many pages it has given. */
import { balloon } from "../../drivers/index.ts";
import { defineGuest } from "../../guest/define.ts";

export default defineGuest(
  (guest): Promise<number[]> => Promise.all(guest.virtio.findAll(balloon).map((each) => each.settled())),
);
