/** A campaign: episodes on a pool of threads until the time is over, and what it all cost. */
import { readdirSync } from "node:fs";
import { Piscina } from "piscina";
import type { EpisodeReport } from "./run-episode.ts";
import { slopePerMinute } from "./slope.ts";
import { type Episode, episode, type Stressed } from "./swarm.ts";

export interface CampaignOptions {
  readonly seconds: number;
  /** Machines at once; each has three threads. */
  readonly machines: number;
  readonly seed: number;
  readonly only?: readonly Stressed[];
  /** Stop at the first finding. */
  readonly failFast?: boolean;
  readonly onProgress?: (campaign: CampaignReport) => void;
}

export interface CampaignReport {
  readonly findings: readonly { readonly seed: number; readonly what: string; readonly detail: string }[];
  readonly seconds: number;
  readonly machines: number;
  readonly actions: number;
  readonly bytesVerified: number;
  readonly resets: number;
  readonly byAction: Readonly<Record<string, number>>;
  readonly kicks: number;
  readonly interrupts: number;
  /** Bytes of resident memory, and open file descriptors, gained per minute over the second half of the run. */
  readonly heapSlope: number;
  readonly handleSlope: number;
}

interface Sample {
  readonly minutes: number;
  readonly resident: number;
  readonly handles: number;
}

const FROM_SOURCES = import.meta.url.endsWith(".ts");
const TASK = new URL(`./run-episode.${FROM_SOURCES ? "ts" : "js"}`, import.meta.url).href;
const BOOT = new URL("../../workers/task.mjs", import.meta.url).href;

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const pool = new Piscina({
    filename: FROM_SOURCES ? BOOT : TASK,
    workerData: { entry: TASK },
    maxThreads: options.machines,
    minThreads: 1,
  });
  const tally = new Tally();
  const until = performance.now() + 1000 * options.seconds;
  let next = options.seed;
  const lane = async () => {
    while (performance.now() < until && !(options.failFast && tally.findings.length > 0)) {
      const task: Episode = episode(next++, options.only);
      tally.add((await pool.run(task)) as EpisodeReport);
      options.onProgress?.(tally.report());
    }
  };
  try {
    await Promise.all(Array.from({ length: options.machines }, lane));
  } finally {
    await pool.destroy();
  }
  return tally.report();
}

class Tally {
  readonly findings: { seed: number; what: string; detail: string }[] = [];
  readonly #begun = performance.now();
  readonly #byAction = new Map<string, number>();
  readonly #samples: Sample[] = [];
  #episodes = 0;
  #bytes = 0;
  #kicks = 0;
  #interrupts = 0;

  add({ seed, finding, result, kicks, interrupts }: EpisodeReport): void {
    this.#episodes++;
    this.#kicks += kicks;
    this.#interrupts += interrupts;
    this.#bytes += result?.bytesVerified ?? 0;
    for (const [action, count] of Object.entries(result?.byAction ?? {})) {
      this.#byAction.set(action, (this.#byAction.get(action) ?? 0) + count);
    }
    if (finding !== null) this.findings.push({ seed, ...finding });
    this.#samples.push({
      minutes: (performance.now() - this.#begun) / 60_000,
      resident: process.memoryUsage.rss(),
      handles: openHandles(),
    });
  }

  report(): CampaignReport {
    const late = this.#samples.slice(Math.floor(this.#samples.length / 2));
    const times = late.map(({ minutes }) => minutes);
    return {
      findings: this.findings,
      seconds: (performance.now() - this.#begun) / 1000,
      machines: this.#episodes,
      actions: [...this.#byAction.values()].reduce((sum, count) => sum + count, 0),
      bytesVerified: this.#bytes,
      resets: (this.#byAction.get("reset") ?? 0) + (this.#byAction.get("rebind") ?? 0),
      byAction: Object.fromEntries(this.#byAction),
      kicks: this.#kicks,
      interrupts: this.#interrupts,
      heapSlope: slopePerMinute(
        times,
        late.map(({ resident }) => resident),
      ),
      handleSlope: slopePerMinute(
        times,
        late.map(({ handles }) => handles),
      ),
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
