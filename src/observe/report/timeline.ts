/**
 * Events as Chrome trace events: accesses and sleeps as slices as long as they took, the rest as short ones,
 * each request as an asynchronous slice per queue, with flow arrows from submit to take and from used to collected.
 */
import { LEGACY } from "../../wire/legacy-registers.ts";
import type { TraceEvent } from "../record/event.ts";
import type { Recording, Recordings, TraceSide } from "./trace-file.ts";

type Json = Readonly<Record<string, unknown>>;

const PID = 1;

/** A thread, as it is drawn. */
interface Lane {
  readonly side: TraceSide;
  readonly name: string;
  readonly tid: number;
}
/** Arrows start and end at slices: instants get this length, in microseconds. */
const POINT_US = 0.2;
const SPACES = ["register", "config", "pci", "msix", "odd"];

const bdf = (slot: number): string => `00:${slot.toString(16).padStart(2, "0")}.0`;

export function* drawEvents({ guest, host, io = [] }: Recordings): Generator<Json> {
  const lanes: (Lane & { readonly recording: Recording })[] = [
    { side: "guest", name: "guest", tid: 1, recording: guest },
    { side: "host", name: "host", tid: 2, recording: host },
    ...io.map((recording, index) => ({
      side: "host" as const,
      name: `I/O thread ${index + 1}`,
      tid: 3 + index,
      recording,
    })),
  ];
  yield metadata(0, "process_name", "virtlab");
  for (const { tid, name } of lanes) yield metadata(tid, "thread_name", name);
  const flows = new Flows();
  for (const [lane, slice] of inOrder(lanes)) {
    yield draw(lane, slice);
    yield* flows.of(lane, slice.event);
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

/** All threads' slices by time; of those at one time the first lane's comes first. */
function* inOrder(lanes: readonly (Lane & { readonly recording: Recording })[]): Generator<[Lane, Slice]> {
  const rest = lanes.map((lane) => ({ lane, slices: slicesOf(lane.recording), next: 0 }));
  const timeOf = ({ slices, next }: (typeof rest)[number]) =>
    slices[next]?.event.time ?? Number.POSITIVE_INFINITY;
  for (;;) {
    const first = rest.reduce((best, each) => (timeOf(each) < timeOf(best) ? each : best));
    const slice = first.slices[first.next++];
    if (slice === undefined) return;
    yield [first.lane, slice];
  }
}

function draw({ side, tid }: Lane, { event, length }: Slice): Json {
  const us = 1000 * event.time;
  const { kind, slot, place, value, detail, duration } = event;
  const raw = [side, kind, us, slot, place, value, detail, duration];
  const common = { pid: PID, tid, ts: us, ph: "X", cat: kind };
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

  *of({ tid }: Lane, { kind, slot, place, value, time }: TraceEvent): Generator<Json> {
    const key = `${slot} ${place} ${value}`;
    const common = {
      pid: PID,
      tid,
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
