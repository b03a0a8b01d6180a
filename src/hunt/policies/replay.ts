/**
 * Two ways to repeat an execution. `log` follows a written log choice by choice: exact, for the same code only.
 * `switches` follows the moments at which the execution left the run without preemptions, each named by actor, site
 * and occurrence: exact on the same code, and as near as possible on code that has changed since.
 */
import { SITE_COUNT } from "../../wire/sites.ts";
import { AREA, WORD } from "../state.ts";
import type { Policy } from "./policy.ts";

function nextInput(words: Int32Array): number | undefined {
  const at = words[WORD.inputAt] as number;
  if (at >= (words[WORD.inputLength] as number)) return undefined;
  words[WORD.inputAt] = at + 1;
  return words[AREA.input + at] as number;
}

export const log: Policy = {
  name: "log",
  summary: "follows a log of decisions",
  begin() {},
  choose(words, enabled, _current, fallback) {
    const wanted = nextInput(words) ?? fallback;
    return (enabled & (1 << wanted)) !== 0 ? wanted : fallback;
  },
  draw: (words, limit) => (nextInput(words) ?? 0) % limit,
};

/** Input words: who is favoured or -1, the number of draws, the draws, and for each switch actor, site, occurrence, to. */
export const SWITCH_WORDS = 4;

export const switches: Policy = {
  name: "switches",
  summary: "follows switches named by actor, site and occurrence",
  begin(words) {
    words[WORD.favoured] = words[AREA.input] as number;
  },
  choose(words, enabled, current, fallback) {
    const draws = words[AREA.input + 1] as number;
    const length = words[WORD.inputLength] as number;
    const site = words[WORD.lastSite] as number;
    const occurrence = words[AREA.occurrences + current * SITE_COUNT + site] as number;
    for (let at = 2 + draws; at < length; at += SWITCH_WORDS) {
      const entry = AREA.input + at;
      if (words[entry] !== current || words[entry + 1] !== site || words[entry + 2] !== occurrence) continue;
      const to = words[entry + 3] as number;
      return (enabled & (1 << to)) !== 0 ? to : fallback;
    }
    return fallback;
  },
  draw(words, limit) {
    const at = words[WORD.inputAt] as number;
    words[WORD.inputAt] = at + 1;
    return at < (words[AREA.input + 1] as number) ? (words[AREA.input + 2 + at] as number) % limit : 0;
  },
};
