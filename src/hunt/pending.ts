/** What each actor will do when it moves next: a table in the shared words, for whoever decides. */
import type { Site } from "../wire/sites.ts";
import { AREA, PENDING_WORDS } from "./state.ts";

/** Moves that are no access. The numbers follow those of `ACCESS`. */
export const MOVE = {
  /** Goes on after a sleep; nothing shared is touched. */
  resume: 16,
  /** A processor takes its interrupts. */
  deliver: 17,
  /** An event of the scenario happens. */
  event: 18,
  /** A thread begins: nothing shared is touched before its first access. */
  start: 19,
} as const;

export function setPending(
  words: Int32Array,
  actor: number,
  memory: number,
  offset: number,
  bytes: number,
  kind: number,
  site: Site,
): void {
  const at = AREA.pending + actor * PENDING_WORDS;
  words[at] = memory;
  words[at + 1] = offset;
  words[at + 2] = bytes;
  words[at + 3] = kind;
  words[at + 4] = site;
}

/** Keeps the word, changes the move: who slept on it goes on, whose interrupt ended may take the next. */
export function setMove(words: Int32Array, actor: number, kind: number): void {
  words[AREA.pending + actor * PENDING_WORDS + 3] = kind;
}

/** Of the actors in `mask`, those whose next access touches the range. */
export function touching(
  words: Int32Array,
  mask: number,
  memory: number,
  offset: number,
  bytes: number,
): number {
  let touched = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) {
    const actor = 31 - Math.clz32(rest & -rest);
    const at = AREA.pending + actor * PENDING_WORDS;
    const start = words[at + 1] as number;
    const overlaps = start < offset + bytes && offset < start + (words[at + 2] as number);
    if (overlaps && words[at] === memory) touched |= 1 << actor;
  }
  return touched;
}

/** One number for a word of one of the shared buffers. */
export const wordKey = (memory: number, offset: number): number => memory * 0x400_0000 + offset;
