/** A recorded execution for the terminal: a column per actor, a row per step, switches marked, and a reading below. */
import { ACCESS } from "../../memory/scheduled-memory.ts";
import { siteLabel } from "../../wire/sites.ts";
import type { Recording } from "../hunter.ts";
import type { TraceAccess, TraceEntry } from "../trace.ts";
import { readInWords, readsFrom } from "./reading.ts";

const COLUMN = 44;
const ORDER = 5;

interface Row {
  readonly entry: TraceEntry;
  readonly text: string;
  times: number;
}

export function formatRecording(recording: Recording): string {
  const { entries, actors, switches } = recording;
  const from = readsFrom(entries);
  const used = actors.filter(({ id }) => entries.some(({ actor }) => actor === id));
  const cut = new Set(switches.map(({ actor, site, occurrence }) => `${actor} ${site} ${occurrence}`));
  const header =
    `${"step".padStart(ORDER)}  ${used.map(({ name }) => name.padEnd(COLUMN)).join("")}`.trimEnd();
  const lines = [header, "-".repeat(header.length)];
  let previous: number | undefined;
  for (const { entry, text, times } of merge(entries, from)) {
    const column = used.findIndex(({ id }) => id === entry.actor);
    const mark = previous !== undefined && previous !== entry.actor ? ">" : " ";
    previous = entry.actor;
    const cell = times > 1 ? `${text} (${times} times)` : text;
    lines.push(`${String(entry.order).padStart(ORDER)} ${mark}${" ".repeat(column * COLUMN)}${cell}`);
  }
  lines.push("", `${cut.size} switches beyond a run without preemptions.`, ...readInWords(recording));
  return lines.join("\n");
}

/** Neighbouring rows of one actor that say the same become one. */
function merge(entries: readonly TraceEntry[], from: ReadonlyMap<number, number>): Row[] {
  const rows: Row[] = [];
  for (const entry of entries) {
    const text = entry.type === "note" ? `[${entry.text}]` : describeAccess(entry, from.get(entry.order));
    const last = rows.at(-1);
    if (last?.text === text && last.entry.actor === entry.actor) last.times++;
    else rows.push({ entry, text, times: 1 });
  }
  return rows;
}

/** "driver: publish avail.idx = 2", "device: read avail.idx -> 2 (from 41)". */
export function describeAccess(access: TraceAccess, from: number | undefined): string {
  const { kind, site, value, before, bytes } = access;
  const label = siteLabel(site);
  const origin = from === undefined ? "" : ` (from ${from})`;
  switch (kind) {
    case ACCESS.write:
    case ACCESS.store:
      return `${label} = ${number(value)}`;
    case ACCESS.update:
      return `${label} ${number(before)} => ${number(value)}${origin}`;
    case ACCESS.notify:
      return `${label}, ${value} woken`;
    case ACCESS.readBytes:
    case ACCESS.writeBytes:
      return `${label}, ${bytes} bytes${origin}`;
    default:
      return `${label} -> ${number(value)}${origin}`;
  }
}

const number = (value: number): string => (value < 65_536 ? String(value) : `0x${value.toString(16)}`);
