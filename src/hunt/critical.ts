/**
 * The critical pairs of a failure: for each switch, the two accesses whose order it decides. The switch is moved later,
 * access by access of the actor that it holds up, until the failure is gone. The last access that may not come earlier is
 * one of the two; what the others did to the same bytes meanwhile is the other.
 */
import { ACCESS, isWrite } from "../memory/scheduled-memory.ts";
import type { Hunter, Recording } from "./hunter.ts";
import { replayInput } from "./replay-line.ts";
import type { Schedule } from "./shrink.ts";
import type { RecordedSwitch, Switch, TraceAccess } from "./trace.ts";

/** Two steps, by order: were `second` made before `first`, the execution would pass. */
export interface CriticalPair {
  /** Made while the other was held up. Undefined: nothing there touched the same bytes; it is about who slept when. */
  readonly first: number | undefined;
  /** The access that was held up. */
  readonly second: number;
}

/** Longer schedules are nothing to read pair by pair. */
const SWITCHES_MAX = 8;
const MOVES_MAX = 40;

export async function findCriticalPairs(
  hunter: Hunter,
  given: Schedule,
  fails: (schedule: Schedule) => Promise<boolean>,
  movesMax = MOVES_MAX,
): Promise<{ schedule: Schedule; pairs: readonly CriticalPair[] }> {
  const { draws, favoured } = given;
  const record = (asked: readonly Switch[]): Promise<Recording> =>
    hunter.record("switches", replayInput({ draws, switches: asked, favoured }));
  let switches: readonly Switch[] = (await record(given.switches)).switches;
  const decided: boolean[] = [];
  for (let at = 0; at < switches.length && switches.length <= SWITCHES_MAX; at++) {
    for (let moves = 0; moves <= movesMax; moves++) {
      const later = await moveLater(switches, at, record);
      if (later === undefined) break;
      if (!(await fails({ switches: later, draws, favoured }))) {
        decided[at] = true;
        break;
      }
      if (moves === movesMax) break;
      // Moved to where it does not come about: it was not needed after all.
      const happened = (await record(later)).switches;
      if (happened.length < later.length) break;
      switches = later;
    }
  }
  const recording = await record(switches);
  const pairs = recording.switches.flatMap((each, at) =>
    decided[at] === true ? pairAt(recording, each) : [],
  );
  return { schedule: { switches, draws, favoured }, pairs };
}

/** The same switches, with one of them an access of its actor later; undefined: it has none to make. */
async function moveLater(
  switches: readonly Switch[],
  at: number,
  record: (asked: readonly Switch[]) => Promise<Recording>,
): Promise<readonly Switch[] | undefined> {
  const now = await record(switches);
  const moved = now.switches[at];
  const asked = switches[at];
  if (moved === undefined || asked === undefined || !isPreemption(now, moved)) return undefined;
  const before = accessesOf(now, moved.actor).filter(({ order }) => order < moved.order).length;
  const without = await record(switches.toSpliced(at, 1));
  // Up to the switch both are the same, so the access that it held up is the next one here.
  const held = accessesOf(without, moved.actor)[before];
  if (held === undefined) return undefined;
  const next = without.decisions.find(({ actor, order }) => actor === moved.actor && order >= held.order);
  if (next === undefined) return switches.toSpliced(at, 1);
  const { site, occurrence } = next;
  return switches.with(at, { actor: moved.actor, site, occurrence, to: asked.to });
}

const accessesOf = ({ entries }: Recording, actor: number): TraceAccess[] =>
  entries.filter((entry) => entry.type === "access" && entry.actor === actor) as TraceAccess[];

/** Not one of an actor that had blocked or ended anyway. */
function isPreemption({ entries }: Recording, { actor, order }: RecordedSwitch): boolean {
  const last = entries.findLast((entry) => entry.actor === actor && entry.order < order);
  return last?.type !== "note" || !["blocked", "done", "spins"].includes(last.text);
}

function pairAt({ entries }: Recording, { actor, order }: RecordedSwitch): CriticalPair[] {
  const accesses = entries.filter((entry) => entry.type === "access");
  const held = accesses.find((entry) => entry.actor === actor && entry.order > order);
  if (held === undefined) return [];
  const meanwhile = accesses.filter(
    (entry) =>
      entry.actor !== actor && entry.order > order && entry.order < held.order && conflict(entry, held),
  );
  // Of a value that was read, the first reader; of one that was written over or missed, the last writer.
  const first = isWrite(held.kind) ? meanwhile[0] : meanwhile.at(-1);
  return [{ first: first?.order, second: held.order }];
}

/** Whether the order of two accesses can matter. */
export function conflict(a: TraceAccess, b: TraceAccess): boolean {
  const changes = ({ kind }: TraceAccess): boolean => isWrite(kind) || kind === ACCESS.notify;
  const overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
  return a.memory === b.memory && overlap && (changes(a) || changes(b));
}
