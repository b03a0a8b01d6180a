/** `virtlab hunt`: look for races in scenarios, planted or not, and print the schedule that shows one. */

import { type Command, Option } from "commander";
import { UsageError } from "../../host/device.ts";
import {
  CAMPAIGN_DEFAULTS,
  type CampaignOptions,
  type CampaignProgress,
  type CampaignResult,
  EXECUTIONS_MAX,
  runCampaign,
} from "../../hunt/campaign.ts";
import {
  type CampaignReport,
  mergeReports,
  NO_FAILURE,
  readReport,
  reportedFinding,
  reportJson,
} from "../../hunt/campaign-report.ts";
import type { Defect } from "../../hunt/defect.ts";
import { DEFECTS } from "../../hunt/defects/index.ts";
import { goesAstray } from "../../hunt/determinism.ts";
import { HuntBrokenError, Hunter, type HuntTarget } from "../../hunt/hunter.ts";
import { type LanePool, withLanes } from "../../hunt/lanes.ts";
import { findPlanted, findScenario, type HuntModule, loadHuntModule } from "../../hunt/load.ts";
import { DEPTH_FIRST, POLICY_NAMES, PORTFOLIO } from "../../hunt/policies/index.ts";
import { withoutLetter } from "../../hunt/races/orderings.ts";
import { formatReplay } from "../../hunt/replay-line.ts";
import { formatPage, subjectOf } from "../../hunt/report/page.ts";
import { formatRecording } from "../../hunt/report/text.ts";
import { SCENARIOS } from "../../hunt/scenarios/index.ts";
import { type ScoreRow, scoreAll } from "../../hunt/scoreboard.ts";
import { parseShard, type Shard, WHOLE } from "../../hunt/shard.ts";
import { shrink } from "../../hunt/shrink.ts";
import { withSpurious } from "../../hunt/spurious.ts";
import { nearestName } from "../../machine/nearest-name.ts";
import { newCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { goOn, resumed } from "../hunt-numbering.ts";
import { untilInterrupted } from "../interrupt.ts";
import { jobsOption } from "../jobs.ts";
import { seconds, seedNumber, wholeNumber } from "../numbers.ts";
import { orderingsJson, orderingsTable } from "../orderings.ts";
import { writeReport } from "../report-file.ts";
import { policyTable, scoreTable } from "../score-tables.ts";
import { TerminalLine } from "../terminal-line.ts";

interface HuntOptions {
  readonly policy: string;
  readonly schedules?: number;
  readonly seconds?: number;
  readonly seed: number;
  readonly defect?: string;
  readonly file?: string;
  readonly detectRaces?: boolean;
  readonly spurious: number;
  readonly monitor?: boolean;
  readonly orderings?: boolean;
  readonly scoreboard?: boolean;
  readonly jobs: number;
  readonly shard: Shard;
  readonly from: number;
  readonly resume?: string;
  readonly merge?: readonly string[];
  readonly report?: string;
  readonly json?: boolean;
}

const NO_FILE: HuntModule = { defects: [], scenarios: [] };
const SECONDS_DEFAULT = 10;
const SCOREBOARD_SECONDS = 60;
/** Of a scoreboard: one after the other, instead of one. */
const EVERY_POLICY = "every";

/** Options that say nothing to a scoreboard, which has targets of its own. */
const OF_SCENARIOS = [
  ...["defect", "file", "detectRaces", "spurious", "monitor", "orderings", "resume", "report"],
];
/** Nor to reports that are put together. */
const OF_CAMPAIGNS = ["policy", "schedules", "seconds", "seed", "from", "scoreboard", "jobs", "shard"];

export function huntCommand(): Command {
  return newCommand("hunt")
    .description("hunt races: run drivers and devices under every interleaving that a policy thinks of")
    .argument("[scenarios...]", "scenarios to run; default: all, or those of the defect")
    .option("--policy <name>", POLICY_NAMES.join(", "), PORTFOLIO)
    .option("--schedules <count>", "executions of each scenario", whole("--schedules", EXECUTIONS_MAX))
    .option("--seconds <seconds>", `time for each scenario (default ${SECONDS_DEFAULT})`, (text) =>
      seconds("--seconds", text),
    )
    .option(
      "--seed <number>",
      "where the random policies begin",
      (text: string) => seedNumber("--seed", text),
      CAMPAIGN_DEFAULTS.seed,
    )
    .option("--defect <id>", "plant a known bug first, e.g. R33")
    .option("--file <module>", "a module of yours with scenarios or defects")
    .option("--detect-races", "hold each execution against the definition of a data race, too")
    .option(
      "--spurious <count>",
      "notifications and wake-ups without need, in each execution",
      whole("--spurious"),
      0,
    )
    .option("--monitor", "hold each execution against the specification's statements, too")
    .option(
      "--orderings",
      "detect races, and say which ordering letter keeps each plain access from being one",
    )
    .addOption(
      new Option(
        "--scoreboard",
        `plant every known bug in turn, and say what kills it; with --policy ${EVERY_POLICY}: in how many schedules each does`,
      ).conflicts(OF_SCENARIOS),
    )
    .addOption(jobsOption())
    .addOption(
      new Option("--shard <i/n>", "the i-th of n parts of the campaign")
        .argParser(shard)
        .default(WHOLE, "1/1"),
    )
    .option("--from <execution>", "go on at this execution", whole("--from", EXECUTIONS_MAX - 1), 0)
    .addOption(
      new Option("--resume <file.json>", "go on where the campaigns of a --json report ended").conflicts(
        "from",
      ),
    )
    .addOption(
      new Option("--merge <files.json...>", "put --json reports together instead of hunting").conflicts([
        ...OF_SCENARIOS,
        ...OF_CAMPAIGNS,
      ]),
    )
    .option("--report <file.html>", "write the failure as a page")
    .option("--json", "print JSON")
    .action(async (scenarios: string[], options: HuntOptions) => {
      process.exitCode = await act(scenarios, options);
    });
}

function act(scenarios: readonly string[], options: HuntOptions): Promise<number> {
  const without = options.merge !== undefined ? "--merge" : options.scoreboard ? "--scoreboard" : undefined;
  if (without !== undefined && scenarios.length > 0)
    throw new UsageError(`${without} does not go with scenarios: ${scenarios.join(", ")}`);
  if (options.merge !== undefined) return merge(options.merge, options);
  return untilInterrupted((signal) =>
    options.scoreboard ? scoreboard(options, signal) : hunt(scenarios, options, signal),
  );
}

async function merge(paths: readonly string[], { json }: HuntOptions): Promise<number> {
  const merged = mergeReports(await Promise.all(paths.map(readReport)));
  if (json) printJson(reportJson(merged));
  else {
    const findings = merged.findings.map(({ scenario, oracle, text }) => `${scenario}: ${oracle}: ${text}`);
    for (const line of [...merged.campaigns.map(summary), ...findings]) process.stdout.write(`${line}\n`);
  }
  const found = merged.findings.length > 0 || merged.campaigns.some(({ finding }) => finding !== undefined);
  return found ? EXIT.finding : EXIT.fine;
}

async function hunt(names: readonly string[], options: HuntOptions, signal: AbortSignal): Promise<number> {
  checkPolicy(options.policy);
  if (options.policy === DEPTH_FIRST && options.shard.of > 1)
    throw new UsageError("--shard: depth-first search is one search: every part would be the same");
  const own = options.file === undefined ? NO_FILE : await loadHuntModule(options.file);
  const defect = chooseDefect(options.defect, own);
  const targets = chooseScenarios(names, defect, own).map((chosen): HuntTarget => {
    const { file, detectRaces, orderings, monitor, spurious } = options;
    const scenario = withSpurious(chosen, spurious);
    return { scenario, defect: defect?.id, file, races: detectRaces || orderings, monitor };
  });
  const before = options.resume === undefined ? undefined : await readReport(options.resume);
  const begin = targets.map((target) => (before && resumed(before, target, options)) ?? options.from);
  const results: CampaignResult[] = [];
  const found = await withLanes(options.jobs, async (pool) => {
    for (const [at, target] of targets.entries()) {
      if (signal.aborted) break;
      const from = begin[at] ?? options.from;
      const turn = await huntOne(pool, target, { ...options, from }, signal);
      if (turn.result !== undefined) results.push(turn.result);
      if (turn.found !== undefined) return turn.found;
    }
    return undefined;
  });
  const justified = results.flatMap((result) => result.justified ?? []);
  const campaigns = results.map(({ justified: _, ...result }) => result);
  if (options.json) {
    const orderings = options.orderings ? { orderings: orderingsJson(justified) } : {};
    printJson({ ...reportJson({ ...(found ?? QUIET), campaigns }), ...orderings });
  } else if (options.orderings) process.stdout.write(`${orderingsTable(justified)}\n`);
  return found !== undefined || withoutLetter(justified).length > 0 ? EXIT.finding : EXIT.fine;
}

/** What ends a hunt. */
type Found = Omit<CampaignReport, "campaigns">;

const QUIET: Found = { ...NO_FAILURE, findings: [] };

interface Turn {
  readonly result?: CampaignResult;
  readonly found?: Found;
}

/** One scenario, told as soon as it is over where text is printed. */
async function huntOne(
  pool: LanePool,
  target: HuntTarget,
  options: HuntOptions,
  signal: AbortSignal,
): Promise<Turn> {
  const hunter = await Hunter.start(target);
  let result: CampaignResult | undefined;
  try {
    const astray = target.races ? undefined : await goesAstray(hunter, options.seed);
    if (astray !== undefined)
      return { found: unfollowed(target, [{ oracle: "repeatability", text: astray }], options) };
    const asked = campaignOptions(options, SECONDS_DEFAULT);
    const line = new TerminalLine(!options.json);
    const progress = (now: CampaignProgress) =>
      line.show(`${target.scenario.name}: ${counted(now)}, ${now.findings} findings`);
    result = await runCampaign(pool.lanes(hunter), asked, progress, signal).finally(() => line.clear());
    if (!options.json) process.stdout.write(`${summary(result)}\n`);
    if (result.finding === undefined) return { result };
    return { result, found: await failure(hunter, result, options) };
  } catch (error) {
    if (!(error instanceof HuntBrokenError)) throw error;
    // While a finding was shrunk, too: it is none the less.
    const led = result?.finding === undefined ? [] : [result.finding];
    const broke = { oracle: "threads", text: error.message };
    return { ...(result && { result }), found: unfollowed(target, [...led, broke], options, result) };
  } finally {
    await hunter.close();
  }
}

/** Findings without a schedule to show: nothing can be followed there. A campaign that had its end has been told. */
function unfollowed(
  { scenario, defect }: HuntTarget,
  found: readonly Parameters<typeof reportedFinding>[1][],
  { json, report }: HuntOptions,
  told?: CampaignResult,
): Found {
  const head = told === undefined ? [`${scenario.name}: FOUND`] : [];
  const lines = [...head, ...found.map(({ oracle, text }) => `${oracle}: ${text}`)];
  if (!json) process.stdout.write(`${lines.join("\n")}\n`);
  if (report !== undefined)
    process.stderr.write(`virtlab: --report ${report}: not written: there is no execution to show\n`);
  const place = { scenario: scenario.name, defect: defect ?? null };
  return { ...NO_FAILURE, findings: found.map((each) => reportedFinding(place, each)) };
}

async function failure(hunter: Hunter, result: CampaignResult, options: HuntOptions): Promise<Found> {
  const { recording, draws, switches, favoured, critical, tries } = await shrink(hunter, result.log);
  const replay = formatReplay(
    {
      scenario: result.scenario,
      defect: result.defect ?? undefined,
      draws,
      switches,
      favoured,
      races: recording.findings.some(({ race }) => race !== undefined),
      spurious: hunter.target.scenario.spuriousMost ?? 0,
      monitor: hunter.target.monitor === true && recording.findings[0]?.oracle === "O11 statements",
    },
    hunter.actors,
  );
  const paste = `virtlab replay '${replay}'${options.file === undefined ? "" : ` --file ${options.file}`}`;
  const subject = subjectOf(result.scenario, result.defect ?? undefined);
  if (options.report !== undefined)
    await writeReport(options.report, formatPage(recording, { subject, line: paste, critical }));
  if (!options.json) {
    const text = formatRecording(recording, critical);
    process.stdout.write(`\n${text}\n\nShrunk in ${tries} executions. Again:\n  ${paste}\n`);
  }
  const { statements, entries, described } = recording;
  const findings = recording.findings.map((finding) => reportedFinding(result, finding));
  return { findings, statements, replay, switches, draws, critical, entries, described };
}

async function scoreboard(options: HuntOptions, signal: AbortSignal): Promise<number> {
  const every = options.policy === EVERY_POLICY;
  if (!every) checkPolicy(options.policy);
  const policies = every ? POLICY_NAMES : [options.policy];
  // What cannot be planted in the scenarios that there are survives every policy.
  const all = DEFECTS.filter(({ scenarios }) => !every || scenarios.length > 0);
  const own = all.filter((_, at) => at % options.shard.of === options.shard.index);
  const campaigns = { ...campaignOptions(options, SCOREBOARD_SECONDS), shard: WHOLE };
  const line = new TerminalLine(!options.json);
  let done = 0;
  const onRow = ({ id, policy, killed, broken }: ScoreRow): void => {
    const now = `${++done} of ${own.length * policies.length}`;
    line.show(
      `${now}: ${id}${every ? ` under ${policy}` : ""} ${killed ? "killed" : broken === null ? "survived" : "is planted wrong"}`,
    );
  };
  const rows = await scoreAll(own, policies, campaigns, { jobs: options.jobs, signal, onRow });
  line.clear();
  if (options.json) printJson({ defects: rows });
  else process.stdout.write(`${every ? policyTable(rows, policies) : scoreTable(rows)}\n`);
  if (rows.some(({ broken }) => broken !== null)) return EXIT.failure;
  return own.some((defect) => survived(defect, rows, policies)) ? EXIT.finding : EXIT.fine;
}

/** Whatever was tried, and all of it was. */
function survived({ id, needs }: Defect, rows: readonly ScoreRow[], policies: readonly string[]): boolean {
  const tried = rows.filter((row) => row.id === id);
  return needs === "interleaving" && tried.length === policies.length && !tried.some(({ killed }) => killed);
}

const counted = ({ schedules, seconds, sitePairs }: CampaignProgress | CampaignResult): string =>
  `${schedules} schedules (${seconds > 0 ? Math.round(schedules / seconds) : 0}/s), ${sitePairs} site pairs`;

function summary(result: CampaignResult): string {
  const end = result.finding === undefined ? (result.exhausted ? "all there are" : "quiet") : "FOUND";
  const again = goOn(result);
  return `${result.scenario}: ${end} after ${counted(result)}${again === "" ? "" : `; go on with ${again}`}`;
}

const campaignOptions = (options: HuntOptions, seconds: number): Partial<CampaignOptions> => ({
  policy: options.policy,
  seed: options.seed,
  shard: options.shard,
  from: options.from,
  justify: options.orderings === true,
  // A number of schedules alone means just that, however long it takes.
  seconds: options.seconds ?? (options.schedules === undefined ? seconds : Number.POSITIVE_INFINITY),
  ...(options.schedules !== undefined && { schedules: options.schedules }),
});

const chooseDefect = (id: string | undefined, own: HuntModule): Defect | undefined =>
  id === undefined ? own.defects[0] : findPlanted(id, own.defects);

function chooseScenarios(names: readonly string[], defect: Defect | undefined, own: HuntModule) {
  if (names.length > 0) return names.map((name) => findScenario(name, own.scenarios));
  if (own.scenarios.length > 0) return own.scenarios;
  if (defect !== undefined && defect.scenarios.length > 0)
    return defect.scenarios.map((name) => findScenario(name));
  return SCENARIOS;
}

function checkPolicy(name: string): void {
  if (POLICY_NAMES.includes(name)) return;
  throw new UsageError(
    `unknown policy "${name}"${nearestName(name, POLICY_NAMES)}; known are ${POLICY_NAMES.join(", ")}`,
  );
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

const whole = (name: string, most?: number) => (text: string) => wholeNumber(name, text, 0, most);

function shard(text: string): Shard {
  const part = parseShard(text);
  if (part === undefined) throw new UsageError(`--shard: expected i/n with 1 <= i <= n, got "${text}"`);
  return part;
}
