/** A recorded execution as steps that can be shown: who, what, where, which value, from where. */
import { ACCESS, isWrite } from "../../memory/scheduled-memory.ts";
import { ISR } from "../../wire/legacy-registers.ts";
import { AVAIL_FLAG_NO_INTERRUPT, USED_FLAG_NO_NOTIFY } from "../../wire/ring.ts";
import { type SiteLabel, siteLabel } from "../../wire/sites.ts";
import { RAM } from "../gate.ts";
import type { Recording } from "../hunter.ts";
import type { TraceAccess, TraceEntry } from "../trace.ts";
import { controlPlace, type Place, ramPlace } from "./places.ts";

export interface Step {
  readonly entry: TraceEntry;
  readonly text: string;
  readonly place: Place | undefined;
  /** The step whose value this one read. */
  readonly from: number | undefined;
  /** Nobody else ever touches these bytes: the step explains nothing about the others. */
  readonly apart: boolean;
}

export function stepsOf(recording: Recording): Step[] {
  const { entries } = recording;
  const from = readsFrom(entries);
  const shared = sharedBytes(entries);
  return entries.map((entry): Step => {
    if (entry.type === "note") {
      return { entry, text: `[${entry.text}]`, place: undefined, from: undefined, apart: false };
    }
    const place = placeOf(recording, entry);
    const origin = from.get(entry.order);
    const text = describeAccess(entry, place, recording.rings.length > 1);
    return { entry, text, place, from: origin, apart: !touches(shared, entry) };
  });
}

export const placeOf = ({ rings, plan }: Pick<Recording, "rings" | "plan">, access: TraceAccess): Place =>
  access.memory === RAM ? ramPlace(rings, access.offset) : controlPlace(plan, access.offset);

/** By order of a read: the order of the write that it saw. Overlapping bytes count, whatever the width. */
export function readsFrom(entries: readonly TraceEntry[]): Map<number, number> {
  const writers = new Map<string, number>();
  const from = new Map<number, number>();
  for (const entry of entries) {
    if (entry.type !== "access") continue;
    const { kind, order } = entry;
    if (!isWrite(kind) || kind === ACCESS.update) {
      let latest = 0;
      for (const byte of bytesOf(entry)) latest = Math.max(latest, writers.get(byte) ?? 0);
      if (latest > 0) from.set(order, latest);
    }
    if (!isWrite(kind)) continue;
    for (const byte of bytesOf(entry)) writers.set(byte, order);
  }
  return from;
}

function* bytesOf({ memory, offset, bytes }: TraceAccess): Generator<string> {
  for (let at = offset; at < offset + bytes; at++) yield `${memory} ${at}`;
}

/** Bytes that more than one actor touches, one of them writing. */
function sharedBytes(entries: readonly TraceEntry[]): ReadonlySet<string> {
  const seen = new Map<string, { actor: number; several: boolean; written: boolean }>();
  for (const entry of entries) {
    if (entry.type !== "access") continue;
    const written = isWrite(entry.kind) || entry.kind === ACCESS.notify;
    for (const byte of bytesOf(entry)) {
      const known = seen.get(byte);
      if (known === undefined) seen.set(byte, { actor: entry.actor, several: false, written });
      else {
        known.several ||= known.actor !== entry.actor;
        known.written ||= written;
      }
    }
  }
  return new Set([...seen].filter(([, { several, written }]) => several && written).map(([byte]) => byte));
}

function touches(shared: ReadonlySet<string>, access: TraceAccess): boolean {
  for (const byte of bytesOf(access)) if (shared.has(byte)) return true;
  return false;
}

/** "driver: publish avail.idx = 2", "device: read descriptor -> 8 (descriptor 3 len)". */
export function describeAccess(access: TraceAccess, place: Place, several = false): string {
  const { kind, value, before, bytes } = access;
  const queue = several && place.ring !== undefined ? ` of ${place.ring.name}` : "";
  const where = `${place.detail}${queue}`.trim();
  const label = `${siteLabel(access.site)}${where === "" ? "" : ` (${where})`}`;
  const shown = (number: number): string => valueInWords(access, number);
  switch (kind) {
    case ACCESS.write:
    case ACCESS.store:
      return `${label} = ${shown(value)}`;
    case ACCESS.update:
      return `${label} ${shown(before)} => ${shown(value)}`;
    case ACCESS.notify:
      return `${label}, ${value} woken`;
    case ACCESS.readBytes:
    case ACCESS.writeBytes:
      return `${label}, ${bytes} bytes`;
    default:
      return `${label} -> ${shown(value)}`;
  }
}

/** What the bits of a word mean, by the sites that touch it. */
const BITS: Readonly<Partial<Record<SiteLabel, Readonly<Record<number, string>>>>> = {
  "driver: write avail.flags": { [AVAIL_FLAG_NO_INTERRUPT]: "NO_INTERRUPT" },
  "device: read avail.flags": { [AVAIL_FLAG_NO_INTERRUPT]: "NO_INTERRUPT" },
  "device: write used.flags": { [USED_FLAG_NO_NOTIFY]: "NO_NOTIFY" },
  "driver: read used.flags": { [USED_FLAG_NO_NOTIFY]: "NO_NOTIFY" },
  "isr: set": { [ISR.QUEUE]: "QUEUE", [ISR.CONFIG]: "CONFIG", [ISR.QUEUE | ISR.CONFIG]: "QUEUE|CONFIG" },
  "isr: read and clear": {
    [ISR.QUEUE]: "QUEUE",
    [ISR.CONFIG]: "CONFIG",
    [ISR.QUEUE | ISR.CONFIG]: "QUEUE|CONFIG",
  },
};

export function valueInWords(access: TraceAccess, value: number): string {
  const name = BITS[siteLabel(access.site) as SiteLabel]?.[value];
  if (name !== undefined) return `${value} ${name}`;
  return value < 65_536 ? String(value) : `0x${value.toString(16)}`;
}
