/**
 * The steps of an execution under a systematic search, as they lie in the shared words:
 *
 *   step  actor, enabled actors, those that need not move, accepting interrupts, kind, memory, offset, bytes
 *   draw  DRAW, how many options, actors that need not move, the option taken
 */
import { AREA, countBits, PENDING_WORDS, STEP_WORDS, WORD } from "../state.ts";
import type { Step } from "./dependence.ts";

export const DRAW = -1;

export function logStep(words: Int32Array, actor: number, enabled: number, accepting: number): void {
  const at = nextEntry(words);
  const pending = AREA.pending + actor * PENDING_WORDS;
  words[at] = actor;
  words[at + 1] = enabled;
  words[at + 2] = words[WORD.sleep] as number;
  words[at + 3] = accepting;
  words[at + 4] = words[pending + 3] as number;
  words[at + 5] = words[pending] as number;
  words[at + 6] = words[pending + 1] as number;
  words[at + 7] = words[pending + 2] as number;
}

export function logDraw(words: Int32Array, limit: number, taken: number): void {
  const at = nextEntry(words);
  words[at] = DRAW;
  words[at + 1] = limit;
  words[at + 2] = words[WORD.sleep] as number;
  words[at + 3] = taken;
}

/** Who belongs to whom, told to the search once. */
export interface Processes {
  /** By actor. */
  readonly process: readonly number[];
  readonly concerns: readonly number[];
  /** By actor: the interrupt actor of its thread, if any. */
  readonly interrupt: readonly number[];
}

export function readStep(words: Int32Array, index: number, processes: Processes): Step {
  const at = AREA.steps + index * STEP_WORDS;
  return stepOf(words, processes, words[at] as number, words[at + 3] !== 0, at + 4, [0, 1, 2, 3]);
}

/** What the actor is about to do. */
export function pendingStep(words: Int32Array, actor: number, processes: Processes): Step {
  const own = processes.interrupt[actor] ?? -1;
  const accepting = own >= 0 && ((words[WORD.accepting] as number) & (1 << own)) !== 0;
  return stepOf(words, processes, actor, accepting, AREA.pending + actor * PENDING_WORDS, [3, 0, 1, 2]);
}

/** How many executions there are if every one branches as this one did. */
export function optionsMultiplied(words: Int32Array): number {
  let product = 1;
  for (let index = 0; index < (words[WORD.steps] as number); index++) {
    const at = AREA.steps + index * STEP_WORDS;
    const options = words[at + 1] as number;
    product *= words[at] === DRAW ? options : countBits(options);
  }
  return product;
}

function stepOf(
  words: Int32Array,
  processes: Processes,
  actor: number,
  accepting: boolean,
  at: number,
  [kind, memory, offset, bytes]: readonly [number, number, number, number],
): Step {
  const interrupt = processes.interrupt[actor] ?? -1;
  return {
    actor,
    process: processes.process[actor] ?? actor,
    concerns: processes.concerns[actor] ?? actor,
    kind: words[at + kind] as number,
    memory: words[at + memory] as number,
    offset: words[at + offset] as number,
    bytes: words[at + bytes] as number,
    interruptWord: accepting && interrupt >= 0 ? (words[AREA.interruptWord + interrupt] as number) : -1,
  };
}

function nextEntry(words: Int32Array): number {
  const index = words[WORD.steps] as number;
  words[WORD.steps] = index + 1;
  return AREA.steps + index * STEP_WORDS;
}
