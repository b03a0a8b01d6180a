/**
 * Depth-first search with a bound on preemptions, raised from 0 upwards (CHESS): every way to schedule with none,
 * then with one, and so on. What it finds has the fewest preemptions there can be.
 *
 * The path lies in the shared words, two per decision: the option taken and how many there are. An execution follows
 * the path to its end and takes first options beyond it; the end of an execution advances the deepest decision
 * that has an option left.
 */
import { AREA, countBits, MAX_DECISIONS, WORD } from "../state.ts";
import type { Policy } from "./policy.ts";

const DEPTH = AREA.scratch + 16;
const AT = AREA.scratch + 17;
const USED = AREA.scratch + 18;
const BOUND = AREA.scratch + 19;
const STARTED = AREA.scratch + 20;
/** Executions at a bound are complete up to here; a longer one is followed without preemptions. */
const DEPTH_MAX = MAX_DECISIONS - 1;

/** The option to take at the next decision of the path. */
function take(words: Int32Array, options: number): number {
  const at = words[AT] as number;
  words[AT] = at + 1;
  if (at >= DEPTH_MAX) return 0;
  const entry = AREA.stack + 2 * at;
  if (at >= (words[DEPTH] as number)) {
    words[DEPTH] = at + 1;
    words[entry] = 0;
  }
  words[entry + 1] = options;
  return words[entry] as number;
}

export function dfs(boundMax: number): Policy {
  return {
    name: "dfs",
    summary: `depth first, at most ${boundMax} preemptions`,

    begin(words) {
      if (words[STARTED] === 0) {
        words[STARTED] = 1;
        words[DEPTH] = 0;
        words[BOUND] = 0;
      }
      words[AT] = 0;
      words[USED] = 0;
    },

    choose(words, enabled, current, fallback) {
      const forced = (enabled & (1 << current)) === 0;
      const free = forced || (words[USED] as number) < (words[BOUND] as number);
      if (!free) return fallback;
      let option = take(words, countBits(enabled));
      if (option === 0) return fallback;
      // Option 0 is the fallback; the others follow in order of their numbers.
      for (let rest = enabled & ~(1 << fallback); rest !== 0; rest &= rest - 1) {
        if (--option > 0) continue;
        if (!forced) words[USED] = (words[USED] as number) + 1;
        return 31 - Math.clz32(rest & -rest);
      }
      return fallback;
    },

    draw: (words, limit) => take(words, limit),

    end(words) {
      for (let depth = words[DEPTH] as number; depth > 0; depth--) {
        const entry = AREA.stack + 2 * (depth - 1);
        const next = (words[entry] as number) + 1;
        if (next >= (words[entry + 1] as number)) continue;
        words[entry] = next;
        words[DEPTH] = depth;
        return;
      }
      words[DEPTH] = 0;
      words[BOUND] = (words[BOUND] as number) + 1;
      if ((words[BOUND] as number) > boundMax) words[WORD.exhausted] = 1;
    },
  };
}
