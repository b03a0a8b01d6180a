/**
 * Trace files: Chrome's trace-event format, which Perfetto opens, one event per line so that a file of any size can be
 * read as it streams in. The first line says whose file it is, and of which version.
 */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { EventKind, TraceEvent } from "../record/event.ts";
import { drawEvents } from "./timeline.ts";

export const TRACE_VERSION = 1;
export const SIDES = ["guest", "host"] as const;
export type TraceSide = (typeof SIDES)[number];

export interface Recording {
  readonly events: readonly TraceEvent[];
  readonly dropped: number;
}

/** Of CPU 0, the host's first thread, and I/O threads. */
export type Recordings = Readonly<Record<TraceSide, Recording>> & { readonly io?: readonly Recording[] };

export interface TraceHeader {
  readonly format: "virtlab trace";
  readonly version: number;
  readonly events: Readonly<Record<TraceSide, number>>;
  readonly dropped: Readonly<Record<TraceSide, number>>;
  /** How far the two threads' clocks may be apart, from the shortest way each way; null: nothing went both ways. */
  readonly clockErrorUs: number | null;
}

/** An event as analysis reads it back. */
export interface ReadEvent {
  readonly side: TraceSide;
  readonly kind: EventKind;
  /** Microseconds. */
  readonly time: number;
  readonly slot: number;
  readonly place: number;
  readonly value: number;
  readonly detail: number;
  readonly duration: number;
}

export class TraceError extends Error {
  override readonly name = "TraceError";
}

const LINES_PER_WRITE = 1000;

/** Rejects with the system's error when the file cannot be written, or the disk is full. */
export async function writeTrace(file: string, recordings: Recordings): Promise<TraceHeader> {
  const { guest } = recordings;
  const host = wholeHost(recordings);
  const header: TraceHeader = {
    format: "virtlab trace",
    version: TRACE_VERSION,
    events: { guest: guest.events.length, host: host.events.length },
    dropped: { guest: guest.dropped, host: host.dropped },
    clockErrorUs: clockError({ guest, host }),
  };
  const handle = await open(file, "w");
  try {
    let lines = [`{"displayTimeUnit":"ns","otherData":${JSON.stringify(header)},"traceEvents":[`];
    let first = true;
    for (const event of drawEvents(recordings)) {
      lines.push(`${first ? "" : ","}${JSON.stringify(event)}`);
      first = false;
      if (lines.length < LINES_PER_WRITE) continue;
      await handle.writeFile(`${lines.join("\n")}\n`);
      lines = [];
    }
    lines.push("]}");
    await handle.writeFile(`${lines.join("\n")}\n`);
  } finally {
    await handle.close();
  }
  return header;
}

/** What the host's threads did, together. */
function wholeHost({ host, io = [] }: Recordings): Recording {
  if (io.length === 0) return host;
  const all = [host, ...io];
  const events = all.flatMap((each) => each.events).sort((a, b) => a.time - b.time);
  return { events, dropped: all.reduce((sum, { dropped }) => sum + dropped, 0) };
}

const NO_TRACE = "is no trace of virtlab";

/** Reads a trace line by line. Throws `TraceError` for what is none, or is cut short. */
export async function* readTrace(file: string): AsyncGenerator<TraceHeader | ReadEvent> {
  let ended = false;
  let number = 0;
  for await (const line of linesOf(file)) {
    number++;
    if (number === 1) yield parseHeader(file, line);
    else if (line === "]}") ended = true;
    else {
      const event = parseEvent(file, number, line);
      if (event !== undefined) yield event;
    }
  }
  if (number === 0) throw new TraceError(`${file} is empty`);
  if (!ended)
    throw new TraceError(`${file} is cut short after line ${number}: the machine or the disk ended first`);
}

/** Longer than any line that we write: a file of gigabytes without an end of line shall not go into memory whole. */
const LINE_MAX = 1 << 16;

async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(file, "utf8")) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > LINE_MAX) throw new TraceError(`${file} is damaged: it has a line without an end`);
  }
  if (rest !== "") yield rest;
}

function parseHeader(file: string, line: string): TraceHeader {
  const match = /^\{"displayTimeUnit":"ns","otherData":(.*),"traceEvents":\[$/.exec(line);
  const header = match?.[1] === undefined ? undefined : (parse(match[1]) as TraceHeader | undefined);
  if (header?.format !== "virtlab trace") throw new TraceError(`${file} ${NO_TRACE}`);
  if (header.version !== TRACE_VERSION) {
    throw new TraceError(
      `${file} has version ${header.version}; this virtlab reads version ${TRACE_VERSION}`,
    );
  }
  return header;
}

function parseEvent(file: string, number: number, line: string): ReadEvent | undefined {
  const event = parse(line.startsWith(",") ? line.slice(1) : line) as
    | { args?: { raw?: unknown } }
    | undefined;
  if (event === undefined) throw new TraceError(`${file}:${number} is damaged, or cut short`);
  const raw = event.args?.raw;
  if (!Array.isArray(raw) || raw.length !== 8) return undefined;
  const [side, kind, time, slot, place, value, detail, duration] = raw as [
    TraceSide,
    EventKind,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { side, kind, time, slot, place, value, detail, duration };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Causes come before effects: a chain is taken after it was published, and collected after it came back. The shortest
 * way in each direction bounds how far the clocks can be apart.
 */
function clockError({ guest, host }: Readonly<Record<TraceSide, Recording>>): number | null {
  const there = shortest(guest.events, "publish", host.events, "take");
  const back = shortest(host.events, "publishUsed", guest.events, "collect");
  return there === undefined || back === undefined ? null : Math.round((there + back) * 500);
}

function shortest(
  causes: readonly TraceEvent[],
  cause: EventKind,
  effects: readonly TraceEvent[],
  effect: EventKind,
): number | undefined {
  let least: number | undefined;
  let at = 0;
  const times = causes.filter(({ kind }) => kind === cause).map(({ time }) => time);
  for (const { kind, time } of effects) {
    if (kind !== effect) continue;
    while (at + 1 < times.length && (times[at + 1] ?? 0) <= time) at++;
    const way = time - (times[at] ?? time);
    if (times.length > 0 && way > 0 && (least === undefined || way < least)) least = way;
  }
  return least;
}
