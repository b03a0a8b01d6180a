/** Does nothing for as many milliseconds as the argument says. */
import { defineGuest } from "../../../src/guest/define.ts";

export default defineGuest(async ({ args }) => {
  await new Promise((resolve) => setTimeout(resolve, Number(args)));
});
