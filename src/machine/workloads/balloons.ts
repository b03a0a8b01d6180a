/** Waits until each balloon has followed its target, and says how many pages it has given. */
import { balloon } from "../../drivers/index.ts";
import { defineGuest } from "../../guest/define.ts";

/** Of each balloon, in the order in which the guest finds them. */
export type GivenPages = readonly number[];

export default defineGuest(
  (guest): Promise<GivenPages> => Promise.all(guest.virtio.findAll(balloon).map((each) => each.settled())),
);
