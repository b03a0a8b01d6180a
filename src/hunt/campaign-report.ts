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
      ...{ schedules: COUNT, seconds: amount, accesses: COUNT, switches: COUNT, sitePairs: COUNT },
      exhausted: flag,
      finding: orNull(objectWith({ ...FINDING, execution: EXECUTION, thread: COUNT })),
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
  campaigns: campaigns.map((result) => ({ ...result, finding: result.finding ?? null })),
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
    campaigns: campaigns.map((campaign) => ({ ...campaign, finding: campaign.finding ?? undefined })),
  };
}

/**
 * Parts of one campaign, or several: counts of the same scenario, defect, policy and seed are added up, whatever the
 * shard. Of failures all are named, and the first is shown.
 */
export function mergeReports(reports: readonly CampaignReport[]): CampaignReport {
  const merged = new Map<string, CampaignResult>();
  for (const each of reports.flatMap(({ campaigns }) => campaigns)) {
    const key = [each.scenario, each.defect, each.policy, each.seed].join(" ");
    const before = merged.get(key);
    merged.set(key, before === undefined ? each : sum(before, each));
  }
  return {
    ...NO_FAILURE,
    ...reports.find(({ replay }) => replay !== null),
    findings: reports.flatMap(({ findings }) => findings),
    campaigns: [...merged.values()],
  };
}

/** Machines that hunt side by side: time is that of the longest, and pairs may be the same ones. */
const sum = (a: CampaignResult, b: CampaignResult): CampaignResult => ({
  ...a,
  shard: togetherWord(a.shard, b.shard),
  schedules: a.schedules + b.schedules,
  seconds: Math.max(a.seconds, b.seconds),
  accesses: a.accesses + b.accesses,
  switches: a.switches + b.switches,
  sitePairs: Math.max(a.sitePairs, b.sitePairs),
  exhausted: a.exhausted || b.exhausted,
  finding: a.finding ?? b.finding,
  log: a.finding === undefined ? b.log : a.log,
  next: Math.min(a.next, b.next),
});
