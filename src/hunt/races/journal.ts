/**
 * The journal: what the threads of an execution did, in order, in the shared words; and the race detector's reading of
 * it. Interrupt contexts are their thread's agent: what one thread does is ordered.
 */
import {
  ACCESS_RECORD_WORDS,
  type AccessRecord,
  readAccessRecord,
  writeAccessRecord,
} from "../../memory/access-record.ts";
import { ACCESS } from "../../memory/scheduled-memory.ts";
import type { Site } from "../../wire/sites.ts";
import { MOVE } from "../pending.ts";
import { AREA, MAX_DECISIONS, WORD } from "../state.ts";
import { type Access, type AccessType, type Race, RaceDetector } from "./detector.ts";

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
  const at = AREA.journal + length * ACCESS_RECORD_WORDS;
  writeAccessRecord(words, at, agent, kind, memory, offset, bytes, site, value);
}

const ATOMIC: ReadonlySet<number> = new Set([ACCESS.load, ACCESS.store, ACCESS.update, ACCESS.wait]);
const BULK: ReadonlySet<number> = new Set([ACCESS.readBytes, ACCESS.writeBytes]);
const TYPES: Readonly<Record<number, AccessType>> = {
  [ACCESS.write]: "write",
  [ACCESS.store]: "write",
  [ACCESS.writeBytes]: "write",
  [ACCESS.update]: "update",
};

/** Whether a kind of access is one such as this. */
export const isOfKind = (kind: number, { type, atomic, bulk }: Access): boolean =>
  (TYPES[kind] ?? "read") === type && ATOMIC.has(kind) === atomic && BULK.has(kind) === (bulk ?? false);

const NONE: readonly Race[] = [];

/** Tells the detector; the races that the event is part of. */
export function feed(
  detector: RaceDetector,
  { thread: agent, kind, memory, offset, bytes, site, value }: AccessRecord,
  event: number,
): readonly Race[] {
  if (kind === ACCESS.wait || kind === ACCESS.notify || kind === MOVE.resume) {
    detector.criticalSection(agent, memory, offset, site);
  }
  // A window of no bytes touches nothing.
  if (kind === ACCESS.notify || kind === MOVE.resume || bytes === 0) return NONE;
  const type = TYPES[kind] ?? "read";
  const atomic = ATOMIC.has(kind);
  return detector.access({
    agent,
    memory,
    offset,
    bytes,
    site,
    value,
    event,
    type,
    atomic,
    bulk: BULK.has(kind),
  });
}

/** The detector after the execution that the journal holds. */
export function judgeJournal(words: Int32Array, justify: boolean): RaceDetector {
  const detector = new RaceDetector({ justify });
  const length = words[WORD.journal] as number;
  if (length >= MAX_DECISIONS) throw new Error(`more than ${MAX_DECISIONS} accesses: too long to be judged`);
  for (let event = 0; event < length; event++) {
    feed(detector, readAccessRecord(words, AREA.journal + event * ACCESS_RECORD_WORDS), event);
  }
  return detector;
}
