/** `--jobs`: how many hunters work at a time. */
import { availableParallelism } from "node:os";
import { Option } from "commander";
import { UsageError } from "../host/device.ts";
import { wholeNumber } from "./device-argument.ts";

const JOBS_MAX = 256;

export const jobsOption = (): Option =>
  new Option("--jobs <count>", "hunters at a time; each has two threads or three, of which one moves")
    .argParser(parseJobs)
    .default(Math.max(1, availableParallelism() >> 1), "one for every two cores");

function parseJobs(text: string): number {
  const jobs = wholeNumber("--jobs", text);
  if (jobs < 1 || jobs > JOBS_MAX) throw new UsageError(`--jobs: expected 1 to ${JOBS_MAX}, got ${jobs}`);
  return jobs;
}
