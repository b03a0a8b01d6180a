/** A campaign: episodes on a pool of threads until the time is over, and what it all cost. */
import { readdirSync } from "node:fs";
import { inLanes, numbered } from "../../machine/pool.ts";
import { seedAfter } from "../../wire/random.ts";
import { footprint } from "../episode/footprint.ts";
import type { EpisodeFinding, EpisodeReport } from "../episode/run-episode.ts";
import { episode, type Wishes } from "../episode/swarm.ts";
import { type EpisodeFailure, type EpisodePool, failureIn, withEpisodePool } from "./episode-pool.ts";
import { slopePerMinute } from "./slope.ts";

export interface CampaignOptions {
  readonly seconds: number;
  /** Stop after so many machines. */
  readonly episodes?: number;
  /** Machines at once; each has three threads. */
  readonly machines: number;
  readonly seed: number;
  readonly wishes?: Wishes;
  /** Machines that still run when the time is over are ended; otherwise they are given the time that they need. */
  readonly cutShort?: boolean;
  /** Ends those that run, and begins no other. */
  readonly signal?: AbortSignal;
  /** Stop at the first finding. */
  readonly failFast?: boolean;
  /** Called every second, and after each machine. */
  readonly onProgress?: (campaign: CampaignReport) => void;
  /** Told of each finding with all that there is, its trace among it. */
  readonly onFinding?: (report: EpisodeReport) => Promise<void> | void;
}

export interface CampaignFinding extends EpisodeFinding {
  readonly seed: number;
}

export interface CampaignReport {
  readonly findings: readonly CampaignFinding[];
  readonly seconds: number;
  /** Those that had their end. */
  readonly machines: number;
  /** Those that were ended before it: nothing is known of them. */
  readonly cutShort: number;
  readonly actions: number;
  readonly bytesVerified: number;
  readonly resets: number;
  readonly unplugs: number;
  readonly workerKills: number;
  readonly byAction: Readonly<Record<string, number>>;
  readonly kicks: number;
  readonly interrupts: number;
  /**
   * Gained per minute over the second half of the run: bytes that the threads hold on to after a collection, open file
   * descriptors, and resident memory, which also has what the allocator keeps for later.
   */
  readonly heapSlope: number;
  readonly handleSlope: number;
  readonly residentSlope: number;
  /** What ended the campaign too early; no finding, but a failure of our own. */
  readonly failure: EpisodeFailure | null;
}

interface Sample {
  readonly minutes: number;
  readonly held: number;
  readonly resident: number;
  readonly handles: number;
}

const TICK_MS = 1000;

/** On a pool of its own. */
export const runCampaign = (options: CampaignOptions): Promise<CampaignReport> =>
  withEpisodePool(options.machines, (pool) => campaignOn(pool, options));

export async function campaignOn(pool: EpisodePool, options: CampaignOptions): Promise<CampaignReport> {
  const { signal } = options;
  const tally = new Tally();
  const until = performance.now() + 1000 * options.seconds;
  const { episodes = Number.POSITIVE_INFINITY } = options;
  let begun = 0;
  const over = () =>
    signal?.aborted ||
    tally.failure !== null ||
    performance.now() >= until ||
    (options.failFast && tally.findings.length > 0);
  const tell = () => options.onProgress?.(tally.report());
  // A machine may take a minute.
  const ticking = setInterval(tell, TICK_MS);
  try {
    await inLanes(numbered(options.machines), async () => {
      if (over() || begun >= episodes) return false;
      const limitMs = options.cutShort ? until - performance.now() : Number.POSITIVE_INFINITY;
      const seed = seedAfter(options.seed, begun++);
      try {
        const report = await pool.run(episode(seed, options.wishes), { limitMs, ...(signal && { signal }) });
        tally.add(report);
        if (report.finding !== null) await options.onFinding?.(report);
        tell();
      } catch (error) {
        tally.failure ??= failureIn(seed, error);
      }
      return true;
    });
  } finally {
    clearInterval(ticking);
  }
  return tally.report();
}

class Tally {
  readonly findings: CampaignFinding[] = [];
  failure: EpisodeFailure | null = null;
  readonly #begun = performance.now();
  readonly #byAction = new Map<string, number>();
  readonly #samples: Sample[] = [];
  /** By thread, as it was last. */
  readonly #held = new Map<number, number>();
  #whole = 0;
  #cutShort = 0;
  #bytes = 0;
  #kicks = 0;
  #interrupts = 0;

  add(report: EpisodeReport): void {
    const { seed, finding, cutShort, bytesVerified, byAction, kicks, interrupts, footprint: thread } = report;
    if (cutShort) this.#cutShort++;
    else this.#whole++;
    this.#kicks += kicks;
    this.#interrupts += interrupts;
    this.#bytes += bytesVerified;
    for (const [action, count] of Object.entries(byAction)) {
      this.#byAction.set(action, (this.#byAction.get(action) ?? 0) + count);
    }
    if (finding !== null) this.findings.push({ seed, ...finding });
    const own = footprint();
    for (const each of [own, thread]) this.#held.set(each.thread, each.bytes);
    this.#samples.push({
      minutes: (performance.now() - this.#begun) / 60_000,
      held: [...this.#held.values()].reduce((sum, bytes) => sum + bytes, 0),
      resident: process.memoryUsage.rss(),
      handles: openHandles(),
    });
  }

  report(): CampaignReport {
    const count = (...names: string[]) =>
      names.reduce((sum, name) => sum + (this.#byAction.get(name) ?? 0), 0);
    const late = this.#samples.slice(Math.floor(this.#samples.length / 2));
    const times = late.map(({ minutes }) => minutes);
    return {
      findings: this.findings,
      seconds: (performance.now() - this.#begun) / 1000,
      machines: this.#whole,
      cutShort: this.#cutShort,
      actions: [...this.#byAction.values()].reduce((sum, each) => sum + each, 0),
      bytesVerified: this.#bytes,
      resets: count("reset", "rebind"),
      unplugs: count("unplug", "pull"),
      workerKills: count("kill host", "kill guest"),
      byAction: Object.fromEntries(this.#byAction),
      kicks: this.#kicks,
      interrupts: this.#interrupts,
      heapSlope: slopePerMinute(
        times,
        late.map(({ held }) => held),
      ),
      residentSlope: slopePerMinute(
        times,
        late.map(({ resident }) => resident),
      ),
      handleSlope: slopePerMinute(
        times,
        late.map(({ handles }) => handles),
      ),
      failure: this.failure,
    };
  }
}

/** Open file descriptors where the platform tells, active resources elsewhere. */
function openHandles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return process.getActiveResourcesInfo().length;
  }
}
