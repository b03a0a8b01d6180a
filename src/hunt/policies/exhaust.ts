/**
 * The threads' part of a systematic search: follow the prefix that the search has chosen, then go on with whoever need
 * not be skipped, and write down every step. Actors that sleep (in the sense of sleep sets) have had their turn in an
 * execution that differs only in the order of steps that commute; one wakes when a step does not commute with its own.
 */
import { dependent } from "../proof/dependence.ts";
import { logDraw, logStep, type Processes, pendingStep } from "../proof/steps.ts";
import { AREA, countBits, drawBelow, lowest, MAX_DECISIONS, WORD } from "../state.ts";
import type { Policy } from "./policy.ts";

const ASTRAY = "the scenario does not repeat itself: it depends on more than its schedule";

/** The same on every thread of a scenario: set once, when the thread starts. */
let processes: Processes = { process: [], concerns: [], interrupt: [] };
export function useProcesses(own: Processes): void {
  processes = own;
}

export const exhaust: Policy = {
  name: "exhaust",
  summary: "everything, each class of equivalent interleavings once",
  everyStep: true,

  begin(words) {
    words[WORD.inputAt] = 0;
    words[WORD.steps] = 0;
    words[WORD.sleep] = 0;
  },

  choose(words, enabled, _current, fallback) {
    if ((words[WORD.steps] as number) >= MAX_DECISIONS - 1) return -1;
    const at = words[WORD.inputAt] as number;
    const length = words[WORD.inputLength] as number;
    words[WORD.inputAt] = at + 1;
    if (at === length - 1) words[WORD.sleep] = words[WORD.sleepAtBranch] as number;
    const chosen = at < length ? (words[AREA.input + at] as number) : beyond(words, enabled, fallback);
    if (chosen < 0) return -1;
    if ((enabled & (1 << chosen)) === 0) throw new Error(ASTRAY);
    const accepting = (words[WORD.accepting] as number) & (1 << (processes.interrupt[chosen] ?? 31));
    logStep(words, chosen, enabled, accepting === 0 ? 0 : 1);
    if (words[WORD.sleep] !== 0) wake(words, chosen);
    return chosen;
  },

  draw(words, limit) {
    const at = words[WORD.inputAt] as number;
    const length = words[WORD.inputLength] as number;
    words[WORD.inputAt] = at + 1;
    if (at === length - 1) words[WORD.sleep] = words[WORD.sleepAtBranch] as number;
    let taken = words[WORD.probing] !== 0 ? drawBelow(words, limit) : 0;
    if (at < length) taken = words[AREA.input + at] as number;
    logDraw(words, limit, taken);
    return taken;
  },
};

function beyond(words: Int32Array, enabled: number, fallback: number): number {
  const awake = enabled & ~(words[WORD.sleep] as number);
  if (awake === 0) return -1;
  if (words[WORD.probing] !== 0) {
    let skip = drawBelow(words, countBits(awake));
    let rest = awake;
    for (; skip > 0; skip--) rest &= rest - 1;
    return lowest(rest);
  }
  return (awake & (1 << fallback)) !== 0 ? fallback : lowest(awake);
}

/** Those whose next step does not commute with this one must be tried again after it. */
function wake(words: Int32Array, chosen: number): void {
  const step = pendingStep(words, chosen, processes);
  let sleep = (words[WORD.sleep] as number) & ~(1 << chosen);
  for (let rest = sleep; rest !== 0; rest &= rest - 1) {
    const actor = lowest(rest);
    if (dependent(step, pendingStep(words, actor, processes))) sleep &= ~(1 << actor);
  }
  words[WORD.sleep] = sleep;
}
