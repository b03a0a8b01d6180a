/** A program with a bug. */
import { defineGuest } from "../../../src/guest/define.ts";

export default defineGuest(async () => {
  throw new RangeError("this program has a bug");
});
