/** Makes a file, so that whoever started it knows that it runs, and waits for a minute. */
import { writeFileSync } from "node:fs";
import { defineGuest } from "../../../src/guest/define.ts";

export default defineGuest(async ({ args }) => {
  writeFileSync((args as string[])[0] ?? "", "running\n");
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
