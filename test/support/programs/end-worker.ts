/** Kills the guest worker in the middle of a request. */
import { defineGuest } from "../../../src/guest/define.ts";

export default defineGuest(async () => {
  process.exit(7);
});
