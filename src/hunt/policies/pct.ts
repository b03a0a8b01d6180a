/**
 * Probabilistic concurrency testing (Burckhardt and others, 2010): random priorities, the highest runs, and at d-1
 * random steps the running actor drops below all others. A bug that needs d ordering constraints shows with
 * probability 1/(n k^(d-1)) at least, for n actors and k steps.
 */
import { AREA, drawBelow, WORD } from "../state.ts";
import type { Policy } from "./policy.ts";

/** Fairness: an actor that ran this long alone while others could have is taken for a loop, and dropped. */
export const ALONE_MAX = 400;
/** First guess of an execution's length, until one was seen. */
const HORIZON_MIN = 32;
const CHANGE_AT = AREA.scratch + 1;
const FLOOR = AREA.scratch;
/** Of the module's own: the engine loads imported constants at each use. */
const PRIORITIES = AREA.priorities;
const { step: STEP, alone: ALONE } = WORD;

/** Every actor gets a rank of its own, at random. */
export function shufflePriorities(words: Int32Array, actors: number): void {
  for (let actor = 0; actor < actors; actor++) {
    // Each actor is inserted at a random rank.
    const rank = drawBelow(words, actor + 1);
    for (let other = 0; other < actor; other++) {
      const at = PRIORITIES + other;
      if ((words[at] as number) >= rank) words[at] = (words[at] as number) + 1;
    }
    words[PRIORITIES + actor] = rank;
  }
  words[FLOOR] = -1;
}

/** Below all others. */
export function dropPriority(words: Int32Array, actor: number): void {
  words[PRIORITIES + actor] = words[FLOOR] as number;
  words[FLOOR] = (words[FLOOR] as number) - 1;
  words[ALONE] = 0;
}

export function highestPriority(words: Int32Array, enabled: number): number {
  let best = -1;
  let bestPriority = Number.NEGATIVE_INFINITY;
  for (let rest = enabled; rest !== 0; rest &= rest - 1) {
    const actor = 31 - Math.clz32(rest & -rest);
    const priority = words[PRIORITIES + actor] as number;
    if (priority <= bestPriority) continue;
    best = actor;
    bestPriority = priority;
  }
  return best;
}

export function pct(depth: number): Policy {
  return {
    name: `pct${depth}`,
    summary: `random priorities, ${depth - 1} random change point${depth === 2 ? "" : "s"}`,

    begin(words, actors) {
      shufflePriorities(words, actors);
      const horizon = Math.max(HORIZON_MIN, words[WORD.horizon] as number);
      for (let change = 0; change < depth - 1; change++)
        words[CHANGE_AT + change] = drawBelow(words, horizon);
    },

    choose(words, enabled, current) {
      const step = words[STEP] as number;
      let drop = (words[ALONE] as number) > ALONE_MAX;
      for (let change = 0; change < depth - 1; change++) {
        // "Not before": a step without a choice passes its change on to the next one.
        if (step < (words[CHANGE_AT + change] as number)) continue;
        words[CHANGE_AT + change] = 0x7fff_ffff;
        drop = true;
      }
      if (drop) dropPriority(words, current);
      return highestPriority(words, enabled);
    },

    draw: drawBelow,
  };
}
