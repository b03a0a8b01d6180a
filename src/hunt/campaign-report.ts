/** Reports of campaigns, as `virtlab hunt --json` prints them: read again to go on, or put together. */
import { readFile } from "node:fs/promises";
import { UsageError } from "../host/device.ts";
import type { CampaignResult } from "./campaign.ts";
import type { CriticalPair } from "./critical.ts";
import type { Recording } from "./hunter.ts";
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

/** As JSON, where a key without a value would be none. */
export const reportJson = ({ campaigns, ...report }: CampaignReport) => ({
  ...report,
  campaigns: campaigns.map((result) => ({ ...result, finding: result.finding ?? null })),
});

export async function readReport(path: string): Promise<CampaignReport> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`);
  }
  return parseReport(text, path);
}

export function parseReport(text: string, path: string): CampaignReport {
  const report = parsed(text);
  const { campaigns, findings } = report;
  if (!Array.isArray(campaigns) || !campaigns.every(isCampaign) || !Array.isArray(findings)) {
    throw new UsageError(`${path} is not what virtlab hunt --json prints`);
  }
  const { statements, replay, switches, draws, critical, entries, described } = { ...NO_FAILURE, ...report };
  return {
    ...{ statements, replay, switches, draws, critical, entries, described },
    findings,
    campaigns: campaigns.map((campaign) => ({ ...campaign, finding: campaign.finding ?? undefined })),
  };
}

function parsed(text: string): Partial<CampaignReport> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

function isCampaign(value: unknown): value is CampaignResult {
  const campaign = value as Partial<CampaignResult> | null;
  return (
    typeof campaign?.scenario === "string" &&
    Number.isInteger(campaign.seed) &&
    Number.isInteger(campaign.next)
  );
}

/**
 * Parts of one campaign, or several: counts of the same scenario, defect, policy and seed are added up. Of failures all
 * are named, and the first is shown.
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
