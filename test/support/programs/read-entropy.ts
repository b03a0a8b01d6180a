/** Reads entropy: the count comes as an argument. */
import { rng } from "../../../src/drivers/index.ts";
import { defineGuest } from "../../../src/guest/define.ts";

export default defineGuest(async ({ virtio, args }) => (await virtio.find(rng).read(Number(args))).length);
