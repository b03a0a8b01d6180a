/**
 * The journal: what the threads of an execution did, in order, in the shared words; and the race detector's reading of
 * it. Interrupt contexts are their thread's agent: what one thread does is ordered.
 */
import { ACCESS } from "../../memory/scheduled-memory.ts";
import type { Site } from "../../wire/sites.ts";
import { MOVE } from "../pending.ts";
import { AREA, JOURNAL_WORDS, MAX_DECISIONS, WORD } from "../state.ts";
import { type AccessType, type Race, RaceDetector } from "./detector.ts";

export function writeJournal(
  words: Int32Array,
  agent: number,
  kind: number,
  memory: number,
  offset: number,
  bytes: number,
  site: Site,
  value: number,
): void {
  const length = words[WORD.journal] as number;
  if (length < 0 || length >= MAX_DECISIONS) return;
  words[WORD.journal] = length + 1;
  const at = AREA.journal + length * JOURNAL_WORDS;
  words[at] = agent;
  words[at + 1] = kind;
  words[at + 2] = memory;
  words[at + 3] = offset;
  words[at + 4] = bytes;
  words[at + 5] = site;
  words[at + 6] = value;
}

const ATOMIC: ReadonlySet<number> = new Set([ACCESS.load, ACCESS.store, ACCESS.update, ACCESS.wait]);
const BULK: ReadonlySet<number> = new Set([ACCESS.readBytes, ACCESS.writeBytes]);
const TYPES: Readonly<Record<number, AccessType>> = {
  [ACCESS.write]: "write",
  [ACCESS.store]: "write",
  [ACCESS.writeBytes]: "write",
  [ACCESS.update]: "update",
};

/** The races of the execution that the journal holds. */
export function racesInJournal(words: Int32Array): readonly Race[] {
  const detector = new RaceDetector();
  const length = words[WORD.journal] as number;
  for (let event = 0; event < length; event++) {
    const at = AREA.journal + event * JOURNAL_WORDS;
    const [agent = 0, kind = 0, memory = 0, offset = 0, bytes = 0, site = 0, value = 0] = words.subarray(
      at,
      at + JOURNAL_WORDS,
    );
    if (kind === ACCESS.wait || kind === ACCESS.notify || kind === MOVE.resume) {
      detector.criticalSection(agent, memory, offset);
    }
    if (kind === ACCESS.notify || kind === MOVE.resume) continue;
    detector.access({
      agent,
      memory,
      offset,
      bytes,
      type: TYPES[kind] ?? "read",
      atomic: ATOMIC.has(kind),
      bulk: BULK.has(kind),
      site,
      value,
      event,
    });
  }
  return detector.races;
}
