/**
 * Shrinking: leave out switches for as long as the same oracle still complains, then draws. What remains are the
 * moments that the failure cannot do without; everything between them runs without preemptions.
 */
import type { Hunter, Recording } from "./hunter.ts";
import { replayInput } from "./replay-line.ts";
import type { Switch } from "./trace.ts";

export interface Shrunk {
  readonly switches: readonly Switch[];
  readonly draws: readonly number[];
  readonly recording: Recording;
  /** Executions that it took. */
  readonly tries: number;
}

const TRIES_MAX = 2000;

/** From the log of a failing execution to a short way to repeat it. */
export async function shrink(hunter: Hunter, log: readonly number[]): Promise<Shrunk> {
  const first = await hunter.record("log", log);
  const oracle = first.findings[0]?.oracle;
  let tries = 1;
  const fails = async (switches: readonly Switch[], draws: readonly number[]): Promise<boolean> => {
    tries++;
    const batch = await hunter.run({ policy: "switches" }, replayInput({ draws, switches }));
    return batch.findings[0]?.oracle === oracle;
  };
  let switches: readonly Switch[] = first.switches;
  let draws: readonly number[] = first.draws;
  if (await fails(switches, draws)) {
    switches = await leaveOut(
      switches,
      (fewer) => fails(fewer, draws),
      () => tries < TRIES_MAX,
    );
    for (let at = 0; at < draws.length && tries < TRIES_MAX; at++) {
      const simpler = draws.with(at, 0);
      if (draws[at] !== 0 && (await fails(switches, simpler))) draws = simpler;
    }
  }
  const recording = await hunter.record("switches", replayInput({ draws, switches }));
  return { switches: recording.switches, draws, recording, tries };
}

/** Delta debugging: ever smaller parts are left out, as long as what remains still fails. */
async function leaveOut(
  all: readonly Switch[],
  fails: (fewer: readonly Switch[]) => Promise<boolean>,
  mayGoOn: () => boolean,
): Promise<readonly Switch[]> {
  let kept = all;
  for (let part = Math.max(1, kept.length >> 1); mayGoOn(); ) {
    let removed = false;
    for (let at = 0; at < kept.length && mayGoOn(); ) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + part)];
      if (await fails(fewer)) {
        kept = fewer;
        removed = true;
      } else at += part;
    }
    if (part > 1) part >>= 1;
    else if (!removed) break;
  }
  return kept;
}
