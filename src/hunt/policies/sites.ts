/**
 * As PCT, but the change points are places in the code instead of steps: a site that was seen, and one of its first
 * occurrences. An execution has far fewer of those than steps, and a rare site is as likely as a busy one.
 */
import { SITE_COUNT } from "../../wire/sites.ts";
import { AREA, countBits, drawBelow, MAX_ACTORS, WORD } from "../state.ts";
import { ALONE_MAX, dropPriority, highestPriority, shufflePriorities } from "./pct.ts";
import type { Policy } from "./policy.ts";

const CHANGES_MAX = 3;
const OCCURRENCES = 3;
/** Site and occurrence of each change point, behind what PCT keeps. */
const CHANGES = AREA.scratch + 24;
/** One bit per site that was ever seen at a decision. */
const SEEN = AREA.scratch + 32;
const SEEN_WORDS = Math.ceil(SITE_COUNT / 32);

/** The `nth` site that was seen. */
function seenSite(words: Int32Array, nth: number): number {
  for (let word = 0; word < SEEN_WORDS; word++) {
    for (let bits = words[SEEN + word] as number; bits !== 0; bits &= bits - 1) {
      if (nth-- === 0) return 32 * word + 31 - Math.clz32(bits & -bits);
    }
  }
  return -1;
}

export const sites: Policy = {
  name: "sites",
  summary: `random priorities, up to ${CHANGES_MAX} change points at random sites`,

  begin(words, actors) {
    shufflePriorities(words, actors);
    let seen = 0;
    for (let word = 0; word < SEEN_WORDS; word++) seen += countBits(words[SEEN + word] as number);
    const changes = 1 + drawBelow(words, CHANGES_MAX);
    for (let change = 0; change < CHANGES_MAX; change++) {
      const used = change < changes && seen > 0;
      words[CHANGES + 2 * change] = used ? seenSite(words, drawBelow(words, seen)) : -1;
      words[CHANGES + 2 * change + 1] = 1 + drawBelow(words, OCCURRENCES);
    }
    words.fill(0, AREA.occurrences, AREA.occurrences + MAX_ACTORS * SITE_COUNT);
  },

  choose(words, enabled, current) {
    const site = words[WORD.lastSite] as number;
    const seen = SEEN + (site >>> 5);
    words[seen] = (words[seen] as number) | (1 << (site & 31));
    const counter = AREA.occurrences + current * SITE_COUNT + site;
    // An execution that is recorded is counted by the gate.
    if (words[WORD.record] === 0) words[counter] = (words[counter] as number) + 1;
    let drop = (words[WORD.alone] as number) > ALONE_MAX;
    for (let at = CHANGES; at < CHANGES + 2 * CHANGES_MAX; at += 2) {
      if (words[at] !== site || words[at + 1] !== words[counter]) continue;
      words[at] = -1;
      drop = true;
    }
    if (drop) dropPriority(words, current);
    return highestPriority(words, enabled);
  },

  draw: drawBelow,
};
