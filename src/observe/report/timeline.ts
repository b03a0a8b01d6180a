/**
 * Events as Chrome trace events: accesses as slices, sleeps as slices between going and waking, the rest as instants,
 * each request as an asynchronous slice per queue, with flow arrows from submit to take and from used to collected.
 */
import { LEGACY } from "../../wire/legacy-registers.ts";
import type { TraceEvent } from "../record/event.ts";
import type { Recording, TraceSide } from "./trace-file.ts";

type Json = Readonly<Record<string, unknown>>;

const PID = 1;
const TID: Record<TraceSide, number> = { guest: 1, host: 2 };
/** Arrows start and end at slices: instants get this length, in microseconds. */
const POINT_US = 0.2;
const SPACES = ["register", "config", "pci", "msix", "odd"];

const bdf = (slot: number): string => `00:${slot.toString(16).padStart(2, "0")}.0`;

export function* drawEvents(recordings: Readonly<Record<TraceSide, Recording>>): Generator<Json> {
  yield { ph: "M", pid: PID, name: "process_name", args: { name: "virtlab" } };
  for (const side of ["guest", "host"] as const) {
    yield { ph: "M", pid: PID, tid: TID[side], name: "thread_name", args: { name: side } };
  }
  const flows = new Flows();
  for (const [side, event] of inOrder(recordings)) {
    yield* draw(side, event);
    yield* flows.of(side, event);
  }
}

/** Both threads' events by time. */
function* inOrder({
  guest,
  host,
}: Readonly<Record<TraceSide, Recording>>): Generator<[TraceSide, TraceEvent]> {
  let [g, h] = [0, 0];
  for (;;) {
    const [mine, other] = [guest.events[g], host.events[h]];
    if (mine !== undefined && (other === undefined || mine.time <= other.time)) {
      yield ["guest", mine];
      g++;
    } else if (other !== undefined) {
      yield ["host", other];
      h++;
    } else return;
  }
}

function* draw(side: TraceSide, event: TraceEvent): Generator<Json> {
  const us = 1000 * event.time;
  const { kind, slot, place, value, detail, duration } = event;
  const raw = [side, kind, us, slot, place, value, detail, duration];
  const base = { pid: PID, tid: TID[side], ts: us, name: nameOf(event), cat: kind, args: { raw } };
  if (kind === "access" || kind === "kick")
    yield { ...base, ph: "X", dur: Math.max(POINT_US, duration / 1000) };
  else if (kind === "sleep" || kind === "block")
    yield { ...base, ph: "B", name: kind === "sleep" ? "asleep" : "blocked" };
  else if (kind === "wake") yield { ...base, ph: "E", name: "asleep" };
  else yield { ...base, ph: "X", dur: POINT_US };
}

function nameOf({ kind, slot, place, value, detail }: TraceEvent): string {
  if (kind === "kick") return `kick ${bdf(slot)} queue ${place}`;
  if (kind !== "access") return slot < 0 ? kind : `${kind} ${bdf(slot)} queue ${place}: ${value}`;
  const space = SPACES[(detail >>> 9) & 7] ?? "odd";
  const what = space === "register" ? registerName(place) : `${space} +${place}`;
  return `${(detail & 0x100) === 0 ? "read" : "write"} ${bdf(slot)} ${what}: 0x${value.toString(16)}`;
}

const registerName = (offset: number): string =>
  Object.values(LEGACY).find((register) => register.offset === offset)?.name ?? `offset ${offset}`;

/** Requests in flight, by queue and head. */
class Flows {
  readonly #open = new Map<string, number>();
  #next = 1;

  *of(side: TraceSide, { kind, slot, place, value, time }: TraceEvent): Generator<Json> {
    const key = `${slot} ${place} ${value}`;
    const common = {
      pid: PID,
      tid: TID[side],
      ts: 1000 * time,
      cat: "request",
      name: `request ${bdf(slot)} queue ${place}`,
    };
    if (kind === "submit") {
      const id = this.#next++;
      this.#open.set(key, id);
      yield { ...common, ph: "b", id };
      yield { ...common, ph: "s", id };
      return;
    }
    const id = this.#open.get(key);
    if (id === undefined) return;
    if (kind === "take" || kind === "fill") yield { ...common, ph: "t", id };
    else if (kind === "collect") {
      yield { ...common, ph: "f", bp: "e", id };
      yield { ...common, ph: "e", id };
      this.#open.delete(key);
    }
  }
}
