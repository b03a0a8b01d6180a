/**
 * The run without preemptions, with a few random exceptions (delay-bounded scheduling: Emmi, Qadeer and Rakamaric, 2011):
 * whoever would go on at a random step is held up, and a random other one goes. What it finds has few switches, because
 * it makes no others; so it is also how a shorter way to a failure is looked for.
 */
import { AREA, countBits, drawBelow, WORD } from "../state.ts";
import type { Policy } from "./policy.ts";

const HORIZON_MIN = 32;
const DELAY_AT = AREA.scratch + 48;
const NEVER = 0x7fff_ffff;

export function delay(most: number): Policy {
  return {
    name: "delay",
    summary: `the run without preemptions, but for 1 to ${most} at random steps`,

    begin(words) {
      const horizon = Math.max(HORIZON_MIN, words[WORD.horizon] as number);
      const delays = 1 + drawBelow(words, most);
      for (let each = 0; each < most; each++) {
        words[DELAY_AT + each] = each < delays ? drawBelow(words, horizon) : NEVER;
      }
    },

    choose(words, enabled, _current, fallback) {
      const step = words[WORD.step] as number;
      for (let each = 0; each < most; each++) {
        // "Not before": a step without a choice passes its delay on to the next one.
        if (step < (words[DELAY_AT + each] as number)) continue;
        words[DELAY_AT + each] = NEVER;
        return another(words, enabled & ~(1 << fallback));
      }
      return fallback;
    },

    draw: drawBelow,
  };
}

function another(words: Int32Array, actors: number): number {
  let rest = actors;
  for (let skip = drawBelow(words, countBits(actors)); skip > 0; skip--) rest &= rest - 1;
  return 31 - Math.clz32(rest & -rest);
}
