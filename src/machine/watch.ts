/**
 * Watching one worker: recorded memory and a watched bus that feed a monitor, an event ring, or both. Chosen before
 * anything is attached; a worker that is not watched has none of it.
 */
import type { BusAccess, BusNews, BusWatcher } from "../bus/watched-bus.ts";
import { type SharedBuffer, useMemory } from "../memory/attach.ts";
import { LiveMemory } from "../memory/live-memory.ts";
import { Ram } from "../memory/ram.ts";
import { type MemoryWatcher, RecordedBuffer } from "../memory/recorded-memory.ts";
import type { Side } from "../monitor/moments.ts";
import { type Finding, Monitor } from "../monitor/monitor.ts";
import { EventRing } from "../observe/record/event-ring.ts";
import { Recorder } from "../observe/record/recorder.ts";
import { tellMain } from "./control.ts";
import type { HostNews, SharedParts } from "./protocol.ts";
import { planFor } from "./shared-parts.ts";

type Watcher = MemoryWatcher & { readonly access: BusWatcher; readonly slotChanged: (slot: number) => void };

export interface Watch {
  readonly bus: BusWatcher;
  /** For the host, which knows when a slot is filled or emptied. */
  readonly slotChanged: (slot: number) => void;
  /** For a thread that has no end of the bus: what is told of it. */
  readonly hear: (news: BusNews) => void;
  /** And that it is about to do what it was called for. */
  called(): void;
  /** Null: no monitor. */
  findings(): readonly Finding[] | null;
}

/** Who is watched. */
export interface Watched {
  readonly side: Side;
  /** For a trace. */
  readonly events: SharedBuffer | undefined;
  /** Which slot has a function of the memory plan. */
  readonly slotOf?: (functionIndex: number) => number | undefined;
  readonly servedElsewhere?: (slot: number) => boolean;
  /** On a thread that has no end of the bus: has whatever happened there told (`hear`), now. */
  readonly listen?: () => void;
}

/** Where somebody watches: see `watched.ts`. */
export function startWatch(
  parts: SharedParts,
  { side, events, slotOf = () => undefined, servedElsewhere = () => false, listen }: Watched,
): Watch {
  const { monitor: monitored } = parts.spec.watch;
  const told = (finding: Finding): void => tellMain({ kind: "finding", finding } satisfies HostNews);
  const ram = new Ram(new LiveMemory(parts.ram), parts.spec.memoryBase);
  const plan = planFor(parts.spec);
  const seen = { ram, plan, slotOf, servedElsewhere, listen, told, sides: [side] };
  const monitor = monitored ? new Monitor(seen) : undefined;
  const recorder =
    events &&
    new Recorder({ ring: new EventRing(new LiveMemory(events)), ram, plan, slotOf, now: clock(parts) });
  const watcher = both(recorder, monitor?.observer);
  useMemory((buffer) => new RecordedBuffer(new LiveMemory(buffer), watcher));
  return {
    bus: watcher.access,
    slotChanged: watcher.slotChanged,
    hear: (news) => {
      if (news.kind === "access") recorder?.hear(news.access);
      else recorder?.slotChanged(news.slot);
      monitor?.observer.hear(news);
    },
    called: () => monitor?.observer.called(),
    findings: () => monitor?.findings ?? null,
  };
}

/** Milliseconds since the machine's epoch, on whichever thread: time origins are on one clock. */
export function clock({ epoch }: Pick<SharedParts, "epoch">): () => number {
  const offset = performance.timeOrigin - epoch;
  return () => performance.now() + offset;
}

function both(one: Watcher | undefined, other: Watcher | undefined): Watcher {
  if (one === undefined || other === undefined) return one ?? other ?? NOBODY;
  return {
    // The recorder goes first: its times are then not those of the rules.
    access: (access: BusAccess) => {
      one.access(access);
      other.access(access);
    },
    slotChanged: (slot) => {
      one.slotChanged(slot);
      other.slotChanged(slot);
    },
    read: (site, offset, value) => {
      one.read(site, offset, value);
      other.read(site, offset, value);
    },
    write: (site, offset, value) => {
      one.write(site, offset, value);
      other.write(site, offset, value);
    },
    updated: (site, offset, operand, before) => {
      one.updated(site, offset, operand, before);
      other.updated(site, offset, operand, before);
    },
    range: (site, offset, length, intent) => {
      one.range(site, offset, length, intent);
      other.range(site, offset, length, intent);
    },
    sleep: (offset, idle) => {
      one.sleep(offset, idle);
      other.sleep(offset, idle);
    },
    wake: (offset) => {
      one.wake(offset);
      other.wake(offset);
    },
  };
}

const NOBODY: Watcher = {
  access: () => {},
  slotChanged: () => {},
  read: () => {},
  write: () => {},
  updated: () => {},
  range: () => {},
  sleep: () => {},
  wake: () => {},
};
