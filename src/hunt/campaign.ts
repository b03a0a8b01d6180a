/**
 * A campaign: batches of executions of one target under one policy, until something is found, time or schedules run
 * out, or nothing is left to try. Executions are numbered, so that campaigns can be split (`shard`) and resumed.
 */
import { Hunter, type HuntTarget } from "./hunter.ts";
import type { Finding } from "./thread.ts";

export interface CampaignOptions {
  readonly policy: string;
  readonly seed: number;
  readonly schedules: number;
  readonly seconds: number;
  /** This machine's part: executions i, i + n, i + 2n… */
  readonly shard: { readonly index: number; readonly of: number };
  /** The first execution, when resuming. */
  readonly from: number;
  /** False: count on after a finding. */
  readonly stopAtFinding: boolean;
}

export const CAMPAIGN_DEFAULTS: CampaignOptions = {
  policy: "portfolio",
  seed: 1,
  schedules: Number.POSITIVE_INFINITY,
  seconds: 10,
  shard: { index: 0, of: 1 },
  from: 0,
  stopAtFinding: true,
};

export interface CampaignResult {
  readonly scenario: string;
  readonly defect: string | null;
  readonly policy: string;
  readonly schedules: number;
  readonly seconds: number;
  readonly accesses: number;
  readonly switches: number;
  readonly sitePairs: number;
  readonly exhausted: boolean;
  readonly finding: Finding | undefined;
  /** The decisions of the failing execution. */
  readonly log: readonly number[];
  /** Where to go on. */
  readonly next: number;
}

export type Progress = (schedules: number, sitePairs: number) => void;

/** Small at first, so that a bug that shows at once is shown at once. */
const FIRST_BATCH = 500;
const BATCH = 20_000;

export async function runCampaign(
  hunter: Hunter,
  given: Partial<CampaignOptions>,
  progress: Progress = () => {},
  signal?: AbortSignal,
): Promise<CampaignResult> {
  const options = { ...CAMPAIGN_DEFAULTS, ...given };
  const stop = (): void => hunter.stop();
  signal?.addEventListener("abort", stop);
  const { index, of } = options.shard;
  const start = performance.now();
  const deadline = start + options.seconds * 1000;
  let schedules = 0;
  let accesses = 0;
  let switches = 0;
  let finding: Finding | undefined;
  let log: readonly number[] = [];
  let exhausted = false;
  while (
    schedules < options.schedules &&
    performance.now() < deadline &&
    !exhausted &&
    signal?.aborted !== true
  ) {
    const batch = await hunter.run({
      policy: options.policy,
      seed: options.seed,
      first: options.from + index + schedules * of,
      stride: of,
      count: Math.min(schedules === 0 ? FIRST_BATCH : BATCH, options.schedules - schedules),
      milliseconds: deadline - performance.now(),
      stopAtFinding: options.stopAtFinding,
    });
    schedules += batch.executions;
    accesses += batch.accesses;
    switches += batch.switches;
    exhausted = batch.exhausted && options.policy === "dfs";
    progress(schedules, hunter.sitePairs);
    if (batch.findings.length > 0) {
      [finding] = batch.findings;
      log = batch.log;
      break;
    }
    if (batch.executions === 0) break;
  }
  signal?.removeEventListener("abort", stop);
  return {
    scenario: hunter.target.scenario.name,
    defect: hunter.target.defect ?? null,
    policy: options.policy,
    schedules,
    seconds: (performance.now() - start) / 1000,
    accesses,
    switches,
    sitePairs: hunter.sitePairs,
    exhausted,
    finding,
    log,
    next: options.from + schedules * of,
  };
}

/** One campaign on a hunter of its own. */
export async function campaign(
  target: HuntTarget,
  options: Partial<CampaignOptions>,
  progress?: Progress,
): Promise<CampaignResult> {
  const hunter = await Hunter.start(target);
  try {
    return await runCampaign(hunter, options, progress);
  } finally {
    await hunter.close();
  }
}
