/** Reports of campaigns, as `virtlab hunt --json` prints them: read again to go on, or put together. */
import { readFile } from "node:fs/promises";
import { UsageError } from "../host/device.ts";
import type { CampaignResult } from "./campaign.ts";

export interface CampaignReport {
  readonly findings: readonly unknown[];
  readonly campaigns: readonly CampaignResult[];
}

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
  const campaigns = report?.campaigns ?? (report?.campaign === undefined ? undefined : [report.campaign]);
  if (!Array.isArray(campaigns) || !campaigns.every(isCampaign)) {
    throw new UsageError(`${path} is not what virtlab hunt --json prints`);
  }
  return { findings: Array.isArray(report?.findings) ? report.findings : [], campaigns };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isCampaign(value: unknown): value is CampaignResult {
  const campaign = value as Partial<CampaignResult> | null;
  return typeof campaign?.scenario === "string" && Number.isInteger(campaign.next);
}

/** Parts of one campaign, or several: counts of the same scenario, defect and policy are added up. */
export function mergeReports(reports: readonly CampaignReport[]): CampaignReport {
  const merged = new Map<string, CampaignResult>();
  for (const each of reports.flatMap(({ campaigns }) => campaigns)) {
    const key = [each.scenario, each.defect, each.policy].join(" ");
    const before = merged.get(key);
    merged.set(key, before === undefined ? each : sum(before, each));
  }
  return { findings: reports.flatMap(({ findings }) => findings), campaigns: [...merged.values()] };
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
