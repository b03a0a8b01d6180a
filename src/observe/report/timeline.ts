/**
 * Events as Chrome trace events: accesses and sleeps as slices as long as they took, the rest as short ones,
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
  yield metadata(0, "process_name", "virtlab");
  for (const side of ["guest", "host"] as const) yield metadata(TID[side], "thread_name", side);
  const flows = new Flows();
  for (const [side, slice] of inOrder(recordings)) {
    yield draw(side, slice);
    yield* flows.of(side, slice.event);
  }
}

const metadata = (tid: number, name: string, value: string): Json => ({
  ph: "M",
  pid: PID,
  tid,
  ts: 0,
  cat: "__metadata",
  name,
  args: { name: value },
});

/** An event, and how long it is drawn, in microseconds. */
interface Slice {
  readonly event: TraceEvent;
  readonly length: number;
}

/**
 * A thread's events as slices that lie one after another or one within another: Perfetto drops those that overlap. An
 * access is recorded when it has ended and drawn from where it began.
 */
function slicesOf({ events }: Recording): Slice[] {
  const sorted = [...events].sort((a, b) => a.time - b.time || b.duration - a.duration);
  const wakes = sorted.filter(({ kind }) => kind === "wake");
  const around: number[] = [];
  let waking = 0;
  return sorted.map((event, at) => {
    const start = 1000 * event.time;
    while (around.length > 0 && (around.at(-1) ?? 0) <= start) around.pop();
    const within = around.at(-1) ?? Number.POSITIVE_INFINITY;
    const next = 1000 * (sorted[at + 1]?.time ?? Number.POSITIVE_INFINITY);
    while (waking < wakes.length && (wakes[waking]?.time ?? 0) < event.time) waking++;
    const awake = 1000 * (wakes[waking] ?? sorted.at(-1) ?? event).time;
    const took = sleeps(event) ? awake - start : event.duration / 1000;
    const end = Math.min(within, took > POINT_US ? start + took : Math.min(start + POINT_US, next));
    around.push(end);
    return { event, length: end - start };
  });
}

const sleeps = ({ kind }: TraceEvent): boolean => kind === "sleep" || kind === "block";

/** Both threads' slices by time. */
function* inOrder(recordings: Readonly<Record<TraceSide, Recording>>): Generator<[TraceSide, Slice]> {
  const [guest, host] = [slicesOf(recordings.guest), slicesOf(recordings.host)];
  let [g, h] = [0, 0];
  for (;;) {
    const [mine, other] = [guest[g], host[h]];
    if (mine !== undefined && (other === undefined || mine.event.time <= other.event.time)) {
      yield ["guest", mine];
      g++;
    } else if (other !== undefined) {
      yield ["host", other];
      h++;
    } else return;
  }
}

function draw(side: TraceSide, { event, length }: Slice): Json {
  const us = 1000 * event.time;
  const { kind, slot, place, value, detail, duration } = event;
  const raw = [side, kind, us, slot, place, value, detail, duration];
  const common = { pid: PID, tid: TID[side], ts: us, ph: "X", cat: kind };
  return { ...common, name: nameOf(event), dur: length, args: { raw } };
}

function nameOf({ kind, slot, place, value, detail }: TraceEvent): string {
  if (kind === "kick") return `kick ${bdf(slot)} queue ${place}`;
  if (kind === "sleep") return "asleep";
  if (kind === "block") return "blocked";
  if (kind !== "access") return slot < 0 ? kind : `${kind} ${bdf(slot)} queue ${place}: ${value}`;
  const space = SPACES[(detail >>> 9) & 7] ?? "odd";
  const what = space === "register" ? registerName(place) : `${space} +${place}`;
  return `${(detail & 0x100) === 0 ? "read" : "write"} ${bdf(slot)} ${what}: 0x${value.toString(16)}`;
}

const registerName = (offset: number): string =>
  Object.values(LEGACY).find((register) => register.offset === offset)?.name ?? `offset ${offset}`;

/** Requests in flight, by queue and head. */
class Flows {
  readonly #open = new Map<string, string>();
  #next = 1;

  *of(side: TraceSide, { kind, slot, place, value, time }: TraceEvent): Generator<Json> {
    const key = `${slot} ${place} ${value}`;
    const common = {
      pid: PID,
      tid: TID[side],
      ts: 1000 * time,
      cat: "request",
      name: `request ${bdf(slot)} queue ${place}`,
      args: {},
    };
    if (kind === "submit") {
      const id = `0x${(this.#next++).toString(16)}`;
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
