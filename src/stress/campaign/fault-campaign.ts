/** A named fault, in machine after machine: each time it must be detected, in the right words. */

import { inLanes, numbered } from "../../machine/pool.ts";
import { seedAfter } from "../../wire/random.ts";
import { SCRATCH } from "../episode/random-device.ts";
import type { EpisodeReport } from "../episode/run-episode.ts";
import { type Episode, episode } from "../episode/swarm.ts";
import { type Fault, findFault } from "../faults/faults.ts";
import { FLAKY_DISK } from "../modules.ts";
import { type EpisodeFailure, type EpisodePool, failureIn } from "./episode-pool.ts";

export interface FaultReport {
  readonly fault: string;
  readonly runs: number;
  /** Runs in which the finding said what it had to. */
  readonly detected: number;
  /** The others: what they said instead; null: nothing. */
  readonly missed: readonly { readonly seed: number; readonly what: string | null }[];
  /** Machines that had not had their end when it was interrupted: nothing is known of them. */
  readonly cutShort: number;
  /** What the first detection said. */
  readonly words: string | null;
  /** What ended it too early; a failure of our own. */
  readonly failure: EpisodeFailure | null;
}

const ACTIONS = 40;
const SLOT = 4;
/** Where a stall is what is waited for: nothing here takes as long as a fraction of this. */
const STALL_MS = 1500;

/** One disk, one request at a time, and nothing else that could go wrong. */
export function faultEpisode(fault: Fault, seed: number): Episode {
  const chosen = episode(seed);
  const { interrupts } = chosen.machine;
  const nothing = <Name extends string>(names: Readonly<Record<Name, number>>) =>
    Object.fromEntries(Object.keys(names).map((name) => [name, 0])) as Record<Name, number>;
  return {
    ...chosen,
    devices: [{ type: "blk", slot: SLOT }],
    actions: ACTIONS,
    ridesMax: 1,
    flaky: true,
    plants: { fault: fault.name },
    weights: { ...nothing(chosen.weights), traffic: 1 },
    deeds: nothing(chosen.deeds),
    machine: {
      ...chosen.machine,
      cpus: 1,
      ioThreads: 0,
      ...(fault.messagesOnly && interrupts !== "msix-shared" && { interrupts: "msix" }),
      devices: [{ type: FLAKY_DISK, slot: SLOT, options: { file: SCRATCH, mood: seed, ...fault.disk } }],
      deadlines: { ...chosen.machine.deadlines, ...(fault.stalls && { stallMs: STALL_MS }) },
      watch: {},
    },
  };
}

export interface FaultCampaignOptions {
  readonly runs: number;
  readonly seed: number;
  readonly lanes: number;
  readonly signal?: AbortSignal;
  /** Machines that are over. */
  readonly onProgress?: (done: number) => void;
}

export async function runFault(
  pool: EpisodePool,
  name: string,
  { runs, seed, lanes, signal, onProgress }: FaultCampaignOptions,
): Promise<FaultReport> {
  const fault = findFault(name);
  const missed: { seed: number; what: string | null }[] = [];
  let begun = 0;
  let done = 0;
  let cutShort = 0;
  let words: string | null = null;
  let failure: EpisodeFailure | null = null;
  await inLanes(numbered(lanes), async () => {
    if (begun === runs || signal?.aborted || failure !== null) return false;
    const own = seedAfter(seed, begun++);
    let report: EpisodeReport;
    try {
      report = await pool.run(faultEpisode(fault, own), { ...(signal && { signal }) });
    } catch (error) {
      failure ??= failureIn(own, error);
      return false;
    }
    if (report.cutShort) {
      cutShort++;
      return false;
    }
    const { finding } = report;
    done++;
    if (finding !== null && fault.words.test(finding.what)) words ??= finding.what;
    else missed.push({ seed: own, what: finding?.what ?? null });
    onProgress?.(done);
    return true;
  });
  return { fault: name, runs: done, detected: done - missed.length, missed, cutShort, words, failure };
}
