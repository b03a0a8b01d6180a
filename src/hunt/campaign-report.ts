/** Reports of campaigns, as `virtlab hunt --json` prints them: read again to go on, or put together. */
import { readFile } from "node:fs/promises";
import { UsageError } from "../host/device.ts";
import { SEED_MAX } from "../wire/random.ts";
import { type CampaignResult, EXECUTIONS_MAX } from "./campaign.ts";
import type { CriticalPair } from "./critical.ts";
import type { Recording } from "./hunter.ts";
import {
  amount,
  anyList,
  anyObject,
  flag,
  listOf,
  objectWith,
  orNull,
  text,
  whole,
  wordThat,
} from "./report-shape.ts";
import { parseShard, togetherWord } from "./shard.ts";
import type { Finding } from "./thread.ts";
import type { Switch } from "./trace.ts";

/** Where it was found, and what; without an execution where there is no schedule that could be followed. */
export interface ReportedFinding {
  readonly scenario: string;
  readonly defect: string | null;
  readonly oracle: string;
  readonly text: string;
  readonly execution: number | null;
  readonly thread: number | null;
  readonly race: Finding["race"] | null;
}

/** The failing execution, as short as it could be made. */
export interface Failure extends Pick<Recording, "statements" | "entries" | "described"> {
  /** The line that repeats it. */
  readonly replay: string | null;
  readonly switches: readonly Switch[];
  readonly draws: readonly number[];
  readonly critical: readonly CriticalPair[];
}

/** The same keys whatever came of it. */
export interface CampaignReport extends Failure {
  readonly findings: readonly ReportedFinding[];
  /** All that were run, the one with the finding among them. */
  readonly campaigns: readonly CampaignResult[];
}

export const NO_FAILURE: Failure = {
  statements: [],
  replay: null,
  switches: [],
  draws: [],
  critical: [],
  entries: [],
  described: {},
};

export function reportedFinding(
  { scenario, defect }: Pick<CampaignResult, "scenario" | "defect">,
  { oracle, text, execution, thread, race }: Pick<Finding, "oracle" | "text"> & Partial<Finding>,
): ReportedFinding {
  return {
    ...{ scenario, defect, oracle, text },
    ...{ execution: execution ?? null, thread: thread ?? null, race: race ?? null },
  };
}

const FINDING = { oracle: text, text };
const COUNT = whole();
const EXECUTION = whole(EXECUTIONS_MAX);
const PARTS = wordThat('parts such as "2/3"', (word) =>
  word.split(",").every((each) => parseShard(each) !== undefined),
);

/** Of a report as JSON. What is only handed on is not looked into. */
const REPORT = objectWith({
  findings: listOf(
    objectWith({
      ...FINDING,
      ...{ scenario: text, defect: orNull(text), execution: orNull(EXECUTION), thread: orNull(COUNT) },
      race: orNull(anyObject),
    }),
  ),
  campaigns: listOf(
    objectWith({
      ...{ scenario: text, defect: orNull(text), policy: text, seed: whole(SEED_MAX), shard: orNull(PARTS) },
      ...{ spurious: COUNT, from: EXECUTION },
      ...{ schedules: COUNT, seconds: amount, accesses: COUNT, switches: COUNT, sitePairs: COUNT },
      exhausted: flag,
      finding: orNull(
        objectWith({ ...FINDING, execution: EXECUTION, thread: COUNT, race: orNull(anyObject) }),
      ),
      log: anyList,
      next: EXECUTION,
    }),
  ),
  statements: listOf(text),
  replay: orNull(text),
  ...{ switches: anyList, draws: anyList, critical: anyList, entries: anyList },
  described: anyObject,
});

/** As JSON, where a key without a value would be none. */
export const reportJson = ({ campaigns, ...report }: CampaignReport) => ({
  ...report,
  campaigns: campaigns.map(({ finding, ...result }) => ({
    ...result,
    finding: finding === undefined ? null : { ...finding, race: finding.race ?? null },
  })),
});

export async function readReport(path: string): Promise<CampaignReport> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`);
  }
  return parseReport(content, path);
}

export function parseReport(content: string, path: string): CampaignReport {
  const refused = (why: string) => new UsageError(`${path} is not what virtlab hunt --json prints: ${why}`);
  let report: unknown;
  try {
    report = JSON.parse(content);
  } catch (error) {
    throw refused(`expected JSON: ${(error as Error).message}`);
  }
  const wrong = REPORT(report);
  if (wrong !== undefined) throw refused(wrong);
  const { campaigns, findings, ...rest } = report as ReturnType<typeof reportJson>;
  const { statements, replay, switches, draws, critical, entries, described } = rest;
  return {
    ...{ statements, replay, switches, draws, critical, entries, described },
    findings,
    campaigns: campaigns.map(({ finding, ...campaign }) => ({ ...campaign, finding: read(finding) })),
  };
}

type Written = ReturnType<typeof reportJson>["campaigns"][number]["finding"];

function read(finding: Written): Finding | undefined {
  if (finding === null) return undefined;
  const { race, ...found } = finding;
  return race === null ? found : { ...found, race };
}

/**
 * Parts of one campaign, or several: counts of the same scenario, defect, policy, seed and number of spurious moves are
 * added up, whatever the shard. Of failures all are named, and the first is shown.
 */
export function mergeReports(reports: readonly CampaignReport[]): CampaignReport {
  const campaigns = grouped(
    reports.flatMap(({ campaigns }) => campaigns),
    ({ scenario, defect, policy, seed, spurious }) => [scenario, defect, policy, seed, spurious].join(" "),
  );
  return {
    ...NO_FAILURE,
    ...reports.find(({ replay }) => replay !== null),
    findings: reports.flatMap(({ findings }) => findings),
    campaigns: campaigns.map(together),
  };
}

function grouped<T>(all: readonly T[], keyOf: (each: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return [...groups.values()];
}

/** Runs of one shard follow each other, shards lie side by side, and what is whole may be followed by what is. */
function together(runs: readonly CampaignResult[]): CampaignResult {
  const shards = grouped(runs, ({ shard }) => shard ?? "").map(inARow);
  const [whole] = shards.filter(({ shard }) => shard === null);
  const parts = shards.filter(({ shard }) => shard !== null);
  const beside = parts.length === 0 ? undefined : parts.reduce(sideBySide);
  // A part takes a whole no further.
  if (whole && beside && beside.shard !== null) return sum(whole, beside);
  return inARow([whole, beside].filter((each) => each !== undefined));
}

/** In whatever order they are given. Behind a gap nothing counts as run. */
const inARow = (runs: readonly CampaignResult[]): CampaignResult =>
  [...runs]
    .sort((a, b) => a.from - b.from)
    .reduce((a, b) => ({ ...sum(a, b), next: b.from <= a.next ? Math.max(a.next, b.next) : a.next }));

/** Between these numbers all of them ran. */
const sideBySide = (a: CampaignResult, b: CampaignResult): CampaignResult => ({
  ...sum(a, b),
  shard: togetherWord(a.shard, b.shard),
  from: Math.max(a.from, b.from),
  next: Math.min(a.next, b.next),
});

/** Machines that hunt side by side: time is that of the longest, and pairs may be the same ones. */
const sum = (a: CampaignResult, b: CampaignResult): CampaignResult => ({
  ...a,
  schedules: a.schedules + b.schedules,
  seconds: Math.max(a.seconds, b.seconds),
  accesses: a.accesses + b.accesses,
  switches: a.switches + b.switches,
  sitePairs: Math.max(a.sitePairs, b.sitePairs),
  exhausted: a.exhausted || b.exhausted,
  finding: a.finding ?? b.finding,
  log: a.finding === undefined ? b.log : a.log,
});
