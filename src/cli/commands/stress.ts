/** `virtlab stress`: many random machines, every byte verified, until the time is over. */

import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { UsageError } from "../../host/device.ts";
import { findDefect } from "../../hunt/load.ts";
import { oneOf } from "../../machine/description.ts";
import { moduleUrl } from "../../machine/thread.ts";
import { writeTrace } from "../../observe/report/trace-file.ts";
import { type CampaignReport, runCampaign } from "../../stress/campaign/campaign.ts";
import { NO_DEFECT, runDefects } from "../../stress/campaign/defect-campaign.ts";
import { withEpisodePool } from "../../stress/campaign/episode-pool.ts";
import { runFault } from "../../stress/campaign/fault-campaign.ts";
import { checkOwn } from "../../stress/episode/own-check.ts";
import type { EpisodeReport } from "../../stress/episode/run-episode.ts";
import { STRESSED, type Wishes } from "../../stress/episode/swarm.ts";
import { FAULTS, findFault } from "../../stress/faults/faults.ts";
import { newCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { untilInterrupted } from "../interrupt.ts";
import { junit } from "../junit.ts";
import { AT_ONCE_MAX, seconds, seedNumber, wholeNumber } from "../numbers.ts";
import { again, campaignText, defectsLine, defectsText, faultText, liveLine } from "../stress-text.ts";
import { TerminalLine } from "../terminal-line.ts";

interface StressOptions {
  seconds: string;
  episodes?: string;
  machines?: string;
  seed?: string;
  only?: string;
  monitor?: boolean;
  device?: string;
  driver?: string;
  fault?: string;
  runs: string;
  defects?: string | true;
  secondsEach: string;
  trace?: string;
  failFast?: boolean;
  junit?: string;
  json?: boolean;
}

/** Options that say nothing to a campaign of faults or defects, which has machines, times and a report of its own. */
const OF_RANDOM_MACHINES = [
  "seconds",
  "episodes",
  "only",
  "device",
  "driver",
  "monitor",
  "trace",
  "failFast",
  "junit",
];

export function stressCommand(): Command {
  return newCommand("stress")
    .description("torture: random machines, traffic, resets, hot plug, dying workers, every byte verified")
    .option("--seconds <n>", "how long", "60")
    .option("--episodes <n>", "stop after so many machines")
    .option(
      "--machines <n>",
      `machines at once (default: half the processors, at least 1; with --fault ${FAULTY_AT_ONCE})`,
    )
    .option("--seed <n>", "seed of the first machine; the next ones count up (default: a new one, printed)")
    .option("--only <devices>", `of ${STRESSED.join(",")}, those to use`)
    .option("--device <module>", "a device of yours, instead of those")
    .option("--driver <module>", "a driver of yours, and how to stress it")
    .option(
      "--monitor",
      "check the specification's statements in every machine that can be watched, not only in most",
    )
    .option("--no-monitor", "check them in none: an unwatched machine is faster")
    .addOption(
      new Option(
        "--fault <name>",
        `plant a named fault, which must be detected: ${FAULTS.map(({ name }) => name).join(", ")}`,
      ).conflicts([...OF_RANDOM_MACHINES, "defects"]),
    )
    .option("--runs <n>", "machines with --fault", "100")
    .addOption(
      new Option(
        "--defects [ids]",
        `plant the hunter's defects, as many at once as --machines says: which are found? ("${NO_DEFECT}": nothing)`,
      ).conflicts(OF_RANDOM_MACHINES),
    )
    .option("--seconds-each <n>", "time for each of --defects", "60")
    .option("--trace <folder>", "keep a trace of each finding")
    .option("--fail-fast", "stop at the first finding")
    .option("--junit <file>", "write findings as JUnit XML")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (options: StressOptions) => {
      process.exitCode = await untilInterrupted((signal) => stress(options, signal));
    });
}

const HELP = `
Each machine has one to four devices with random queue sizes (1 to 32768), features, interrupt tiers and vectors. Its
program sends stamped data through all of them while devices are reset, unplugged, pulled out, suspended and masked,
back-ends fail, memory runs short, workers are killed, and the guest is kept from running now and then. Some actions are
switched off entirely in some machines, so that what is rare in the mix of all is common somewhere. A finding prints the
line that repeats its machine. docs/stress.md tells more.

Examples:
  virtlab stress --seconds 1800 --json
  virtlab stress --only blk,console --machines 2
  virtlab stress --device ./my-device.ts --driver ./my-driver.ts
  virtlab stress --fault dropped-kick --runs 100
  virtlab stress --seed 4711 --episodes 1 --machines 1`;

const TRACE_EVENTS = 65_536;
/** A machine with a fault mostly stands still until that counts as a stall, which costs no processor any time. */
const FAULTY_AT_ONCE = 8;

async function stress(options: StressOptions, signal: AbortSignal): Promise<number> {
  const wanted =
    options.machines === undefined ? undefined : wholeNumber("--machines", options.machines, 1, AT_ONCE_MAX);
  const machines = wanted ?? Math.max(1, Math.floor(availableParallelism() / 2));
  const seed =
    options.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : seedNumber("--seed", options.seed);
  if (options.fault !== undefined)
    return faultCampaign(options.fault, options, { lanes: wanted ?? FAULTY_AT_ONCE, seed, signal });
  if (options.defects !== undefined) return defectCampaign(options, { lanes: machines, seed, signal });
  const wishes = await checkedWishes(options);
  const episodes =
    options.episodes === undefined ? undefined : wholeNumber("--episodes", options.episodes, 1);
  const time = seconds("--seconds", options.seconds);
  if (options.junit !== undefined) claim(options.junit);
  const line = new TerminalLine();
  const report = await runCampaign({
    seconds: time,
    machines,
    seed,
    failFast: options.failFast ?? false,
    wishes,
    ...(episodes !== undefined && { episodes }),
    signal,
    onProgress: (campaign) => line.show(liveLine(campaign)),
    onFinding: (finding) => keepTrace(options.trace, finding),
  });
  line.clear();
  print(options, withAgain(seed, report, wishes), campaignText(seed, report, wishes));
  const code = exitCode(report.findings.length > 0, report);
  return options.junit === undefined || keepJunit(options.junit, report)
    ? code
    : Math.max(code, EXIT.failure);
}

/** After the report was printed: half an hour's must not be lost with a folder that has gone meanwhile. */
function keepJunit(file: string, report: CampaignReport): boolean {
  try {
    writeFileSync(file, junit(report));
    return true;
  } catch (error) {
    process.stderr.write(`virtlab: --junit ${file}: ${(error as Error).message}\n`);
    return false;
  }
}

const exitCode = (found: boolean, { failure }: { failure: object | null }): number =>
  failure !== null ? EXIT.failure : found ? EXIT.finding : EXIT.fine;

function print({ json }: StressOptions, document: object, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(document, null, 2) : text}\n`);
}

const withAgain = (seed: number, report: CampaignReport, wishes: Wishes) => ({
  seed,
  ...report,
  findings: report.findings.map((finding) => ({ ...finding, ...again(finding, wishes) })),
});

async function checkedWishes(options: StressOptions): Promise<Wishes> {
  const { device, driver, only } = options;
  const names = only?.split(",").map((name) => oneOf("--only", name, STRESSED));
  if (names !== undefined && (device ?? driver) !== undefined)
    throw new UsageError(
      "--only chooses among the shipped devices: it does not go with --device or --driver",
    );
  const own = {
    ...(device !== undefined && { device: moduleUrl(device) }),
    ...(driver !== undefined && { driver: moduleUrl(driver) }),
  };
  const hasOwn = (device ?? driver) !== undefined;
  if (hasOwn) await checkOwn(own);
  if (options.trace !== undefined) claimFolder(options.trace);
  return {
    ...(options.monitor !== undefined && { monitor: options.monitor }),
    ...(names && { only: names }),
    ...(hasOwn && { own }),
    ...(options.trace !== undefined && { traceEvents: TRACE_EVENTS }),
  };
}

/** Said before the run, not after half an hour of it. */
function claim(file: string): void {
  try {
    writeFileSync(file, "");
  } catch (error) {
    throw new UsageError(`--junit ${file}: cannot be written: ${(error as Error).message}`);
  }
}

function claimFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`--trace ${folder}: cannot be made: ${(error as Error).message}`);
  }
}

async function keepTrace(folder: string | undefined, { seed, recordings }: EpisodeReport): Promise<void> {
  if (folder === undefined || recordings === null) return;
  const file = join(folder, `machine-${seed}.trace`);
  await writeTrace(file, recordings).catch((error: Error) =>
    process.stderr.write(`virtlab: --trace ${file}: ${error.message}\n`),
  );
}

/** Of a campaign of faults or defects. */
interface Planned {
  readonly lanes: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Fine is when each run's fault was detected. */
async function faultCampaign(
  name: string,
  options: StressOptions,
  { lanes, seed, signal }: Planned,
): Promise<number> {
  findFault(name);
  const runs = wholeNumber("--runs", options.runs, 1);
  const line = new TerminalLine();
  const onProgress = (done: number) => line.show(`${name}: ${done} of ${runs} machines`);
  const report = await withEpisodePool(lanes, (pool) =>
    runFault(pool, name, { runs, seed, lanes, signal, onProgress }),
  );
  line.clear();
  print(options, { seed, ...report }, faultText(seed, report));
  return exitCode(report.missed.length > 0, report);
}

/** Fine is when every defect had its time: which of them are found is the answer, not a finding. */
async function defectCampaign(options: StressOptions, { lanes, seed, signal }: Planned): Promise<number> {
  const secondsEach = seconds("--seconds-each", options.secondsEach);
  const ids = typeof options.defects === "string" ? options.defects.split(",") : undefined;
  const line = new TerminalLine();
  const report = await runDefects({
    secondsEach,
    lanes,
    seed,
    signal,
    onProgress: (now, known, total) => line.show(defectsLine(now, known, total)),
    ...(ids && { ids: ids.map((id) => (id === NO_DEFECT ? id : findDefect(id).id)) }),
  });
  line.clear();
  print(options, { seed, secondsEach, ...report }, defectsText(report));
  const disproved = report.defects.some(({ id, outcome }) => id === NO_DEFECT && outcome === "found");
  if (report.defects.some(({ outcome }) => outcome === "planted wrong")) return EXIT.failure;
  return exitCode(disproved, report);
}
