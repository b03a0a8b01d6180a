/**
 * A campaign: batches of executions of one target under one policy, until something is found, time or schedules run
 * out, or nothing is left to try. Executions are numbered, so that campaigns can be spread over lanes, split (`shard`) and
 * resumed.
 */
import { inLanes } from "../machine/pool.ts";
import { type Batch, Hunter, type HuntTarget } from "./hunter.ts";
import { Bell, type Lane, ownLane } from "./lanes.ts";
import { DEPTH_FIRST } from "./policies/index.ts";
import type { Justified } from "./races/detector.ts";
import { noteJustified } from "./races/orderings.ts";
import { Remaining } from "./remaining.ts";
import { type Shard, shardWord, WHOLE } from "./shard.ts";
import { countBits } from "./state.ts";
import type { Finding } from "./thread.ts";

export interface CampaignOptions {
  readonly policy: string;
  readonly seed: number;
  readonly schedules: number;
  readonly seconds: number;
  /** This machine's part: executions i, i + n, i + 2n… */
  readonly shard: Shard;
  /** The first execution, when resuming. */
  readonly from: number;
  /** False: count on after a finding. */
  readonly stopAtFinding: boolean;
  /** Note what orders plain accesses; for targets that are held against the definition of a race. */
  readonly justify: boolean;
}

export const CAMPAIGN_DEFAULTS: CampaignOptions = {
  policy: "portfolio",
  seed: 1,
  schedules: Number.POSITIVE_INFINITY,
  seconds: 10,
  shard: WHOLE,
  from: 0,
  stopAtFinding: true,
  justify: false,
};

export interface CampaignResult {
  readonly scenario: string;
  readonly defect: string | null;
  readonly policy: string;
  readonly seed: number;
  /** The part of it that this was, "2/3", or several of them, "1/3,2/3"; null: all of it. */
  readonly shard: string | null;
  /** Moves that nobody needs, the most in each execution: with another number of them an execution is another one. */
  readonly spurious: number;
  /** Where it began. */
  readonly from: number;
  readonly schedules: number;
  readonly seconds: number;
  readonly accesses: number;
  readonly switches: number;
  readonly sitePairs: number;
  readonly exhausted: boolean;
  readonly finding: Finding | undefined;
  /** Pairs of places, one of them plain, and what orders them; only if asked for. */
  readonly justified?: readonly Justified[];
  /** The decisions of the failing execution. */
  readonly log: readonly number[];
  /** Where to go on; `EXECUTIONS_MAX`: nothing is left. */
  readonly next: number;
}

/** What is known while a campaign runs. */
export interface CampaignProgress {
  readonly schedules: number;
  readonly seconds: number;
  readonly sitePairs: number;
  readonly findings: number;
}

/** Numbers of executions: beyond, they would not be told apart. */
export const EXECUTIONS_MAX = 2 ** 31;
/** Small at first, so that a bug that shows at once is shown at once. */
const FIRST_BATCH = 500;
const BATCH_MAX = 20_000;
/** How long a batch should take: whoever stops a campaign waits for those that run. */
const BATCH_MS = 250;
const BATCH_MS_MAX = 1000;

/** A campaign on all lanes; each ends with its own batch when it is to end. */
export async function runCampaign(
  lanes: readonly Lane[],
  given: Partial<CampaignOptions>,
  progress: (now: CampaignProgress) => void = () => {},
  signal?: AbortSignal,
): Promise<CampaignResult> {
  const options = { ...CAMPAIGN_DEFAULTS, ...given };
  const hunted = new Campaign(options, lanes[0] as Lane, progress, signal);
  const stop = (): void => {
    for (const lane of lanes) lane.stop();
  };
  signal?.addEventListener("abort", stop);
  // Depth-first search is one search: on several lanes it would be the same several times.
  const used = options.policy === DEPTH_FIRST ? lanes.slice(0, 1) : lanes;
  await inLanes(used, (lane) => hunted.turn(lane));
  signal?.removeEventListener("abort", stop);
  return hunted.result();
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #first: Lane;
  readonly #progress: (now: CampaignProgress) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #begun = performance.now();
  readonly #deadline: number;
  /** As many as are asked for, and as there are numbers left. */
  readonly #most: number;
  /** Numbered within the shard. */
  readonly #remaining = new Remaining(0);
  /** Rings when it is over: nobody waits then for a lane that is not ready yet. */
  readonly #end = new Bell();
  readonly #sizes = new Map<Lane, number>();
  readonly #justified = new Map<string, Justified>();
  readonly #coverage = new Map<Lane, readonly number[]>();
  #schedules = 0;
  #running = 0;
  #accesses = 0;
  #switches = 0;
  #exhausted = false;
  #finding: Finding | undefined;
  #log: readonly number[] = [];

  constructor(
    options: CampaignOptions,
    first: Lane,
    progress: (now: CampaignProgress) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#options = options;
    this.#first = first;
    this.#progress = progress;
    this.#signal = signal;
    this.#deadline = this.#begun + options.seconds * 1000;
    const { schedules, from, shard } = options;
    this.#most = Math.min(schedules, Math.ceil((EXECUTIONS_MAX - from - shard.index) / shard.of));
  }

  /** One batch. False: the campaign is over. */
  async turn(lane: Lane): Promise<boolean> {
    await Promise.race([lane.ready(), this.#end.next()]);
    if (this.#over) return false;
    const { from, shard, policy, seed, stopAtFinding, justify } = this.#options;
    const most = Math.min(this.#sizes.get(lane) ?? FIRST_BATCH, this.#most - this.#schedules - this.#running);
    const { first, count } = this.#remaining.take(most);
    const begun = performance.now();
    this.#running += count;
    const batch = await lane.run({
      ...{ policy, seed, count, stopAtFinding, justify },
      first: from + shard.index + first * shard.of,
      stride: shard.of,
      milliseconds: Math.min(this.#deadline - begun, BATCH_MS_MAX),
      depthFirst: lane === this.#first && shard.index === 0,
    });
    this.#running -= count;
    const took = performance.now() - begun;
    const each = took / Math.max(1, batch.executions);
    this.#sizes.set(lane, Math.min(BATCH_MAX, Math.max(1, Math.round(BATCH_MS / each))));
    this.#remaining.giveBack({ first: first + batch.executions, count: count - batch.executions });
    this.#note(lane, batch);
    if (this.#over) this.#end.ring();
    return true;
  }

  result(): CampaignResult {
    const { from, shard, policy, seed, justify } = this.#options;
    const { scenario, defect } = this.#first.target;
    return {
      scenario: scenario.name,
      defect: defect ?? null,
      policy,
      seed,
      shard: shardWord(shard),
      spurious: scenario.spuriousMost ?? 0,
      from,
      schedules: this.#schedules,
      seconds: this.#seconds,
      accesses: this.#accesses,
      switches: this.#switches,
      sitePairs: this.#sitePairs,
      exhausted: this.#exhausted,
      finding: this.#finding,
      ...(justify && { justified: [...this.#justified.values()] }),
      log: this.#log,
      next: Math.min(EXECUTIONS_MAX, from + this.#remaining.next * shard.of),
    };
  }

  #note(lane: Lane, batch: Batch): void {
    this.#schedules += batch.executions;
    this.#accesses += batch.accesses;
    this.#switches += batch.switches;
    this.#exhausted ||= batch.exhausted && this.#options.policy === DEPTH_FIRST;
    noteJustified(this.#justified, batch.justified);
    this.#coverage.set(lane, batch.coverage);
    if (this.#finding === undefined && batch.findings.length > 0) {
      [this.#finding] = batch.findings;
      this.#log = batch.log;
    }
    this.#progress({
      schedules: this.#schedules,
      seconds: this.#seconds,
      sitePairs: this.#sitePairs,
      findings: this.#finding === undefined ? 0 : 1,
    });
  }

  get #over(): boolean {
    return (
      this.#finding !== undefined ||
      this.#exhausted ||
      this.#signal?.aborted === true ||
      this.#schedules + this.#running >= this.#most ||
      performance.now() >= this.#deadline
    );
  }

  get #seconds(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  /** Of all lanes together. */
  get #sitePairs(): number {
    const all: number[] = [];
    for (const words of this.#coverage.values()) {
      for (const [at, word] of words.entries()) all[at] = (all[at] ?? 0) | word;
    }
    return all.reduce((sum, word) => sum + countBits(word), 0);
  }
}

/** One campaign on a hunter of its own. */
export async function campaign(
  target: HuntTarget,
  options: Partial<CampaignOptions>,
  progress?: (now: CampaignProgress) => void,
  signal?: AbortSignal,
): Promise<CampaignResult> {
  const hunter = await Hunter.start(target);
  try {
    return await runCampaign([ownLane(hunter)], options, progress, signal);
  } finally {
    await hunter.close();
  }
}
