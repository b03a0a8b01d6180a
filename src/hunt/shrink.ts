/**
 * Shrinking: first a short depth-first search, because what that finds has the fewest preemptions there can be. Then
 * leave out switches for as long as the same oracle still complains, then draws. What remains are the moments that the
 * failure cannot do without; everything between them runs without preemptions.
 */
import { Hunter, type Recording } from "./hunter.ts";
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
/** Few switches are good enough without a search for fewer. */
const FEW = 3;
const SEARCH = { policy: "dfs", count: 4000, milliseconds: 5000 } as const;

/** From the log of a failing execution to a short way to repeat it. */
export async function shrink(hunter: Hunter, log: readonly number[]): Promise<Shrunk> {
  let first = await hunter.record("log", log);
  const oracle = first.findings[0]?.oracle;
  let tries = 1;
  if (first.switches.length > FEW) {
    const search = await searchFewest(hunter, oracle);
    tries += search.tries;
    if (search.found !== undefined && search.found.switches.length < first.switches.length)
      first = search.found;
  }
  const fails = async (switches: readonly Switch[], draws: readonly number[]): Promise<boolean> => {
    tries++;
    const batch = await hunter.run({ policy: "switches" }, replayInput({ draws, switches }));
    return batch.findings[0]?.oracle === oracle;
  };
  let switches: readonly Switch[] = first.switches;
  let draws: readonly number[] = first.draws;
  if (await fails(switches, draws)) {
    // Once one is left out, others may not come about any more: what did is what counts.
    const happened = async (asked: readonly Switch[]): Promise<readonly Switch[]> =>
      (await hunter.record("switches", replayInput({ draws, switches: asked }))).switches;
    const mayGoOn = (): boolean => tries < TRIES_MAX;
    switches = await leaveOut(switches, (fewer) => fails(fewer, draws), happened, mayGoOn);
    for (let at = 0; at < draws.length && tries < TRIES_MAX; at++) {
      const simpler = draws.with(at, 0);
      if (draws[at] !== 0 && (await fails(switches, simpler))) draws = simpler;
    }
  }
  const recording = await hunter.record("switches", replayInput({ draws, switches }));
  return { switches: recording.switches, draws, recording, tries };
}

/** On threads of its own, so that the search begins at its beginning. */
async function searchFewest(
  { target }: Hunter,
  oracle: string | undefined,
): Promise<{ found: Recording | undefined; tries: number }> {
  const fresh = await Hunter.start(target);
  try {
    const batch = await fresh.run(SEARCH);
    const same = batch.findings[0]?.oracle === oracle;
    return { found: same ? await fresh.record("log", batch.log) : undefined, tries: batch.executions };
  } finally {
    await fresh.close();
  }
}

/** Delta debugging: ever smaller parts are left out, as long as what remains still fails. */
async function leaveOut(
  all: readonly Switch[],
  fails: (fewer: readonly Switch[]) => Promise<boolean>,
  happened: (asked: readonly Switch[]) => Promise<readonly Switch[]>,
  mayGoOn: () => boolean,
): Promise<readonly Switch[]> {
  let kept = all;
  for (let part = Math.max(1, kept.length >> 1); mayGoOn(); ) {
    let removed = false;
    for (let at = 0; at < kept.length && mayGoOn(); ) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + part)];
      if (await fails(fewer)) {
        const real = await happened(fewer);
        kept = real.length < fewer.length ? real : fewer;
        removed = true;
      } else at += part;
    }
    if (part > 1) part >>= 1;
    else if (!removed) break;
  }
  return kept;
}
