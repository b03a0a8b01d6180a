/** `--jobs`: how many hunters work at a time. */
import { availableParallelism } from "node:os";
import { Option } from "commander";
import { AT_ONCE_MAX, wholeNumber } from "./numbers.ts";

export const jobsOption = (): Option =>
  new Option("--jobs <count>", "hunters at a time; each has two threads or three, of which one moves")
    .argParser((text) => wholeNumber("--jobs", text, 1, AT_ONCE_MAX))
    .default(Math.max(1, availableParallelism() >> 1), "one for every two cores");
