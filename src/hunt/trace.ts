/** What one thread writes down of an execution that is recorded; the threads' parts are merged by step. */
import type { AccessKind } from "../memory/scheduled-memory.ts";
import { SITE_COUNT, type Site } from "../wire/sites.ts";
import { AREA, WORD } from "./state.ts";

export interface TraceAccess {
  readonly type: "access";
  /** Place in the execution, over all actors. */
  readonly order: number;
  readonly actor: number;
  readonly memory: number;
  readonly offset: number;
  readonly bytes: number;
  readonly site: Site;
  readonly kind: AccessKind;
  readonly value: number;
  /** The value before an update. */
  readonly before: number;
  /** Where in the source the access was asked for: "file:line", most direct first. */
  readonly stack: readonly string[];
  /** Place in the race detector's journal; -1: nobody looks for races. */
  readonly event: number;
}

export interface TraceNote {
  readonly type: "note";
  readonly order: number;
  readonly actor: number;
  readonly text: string;
}

export type TraceEntry = TraceAccess | TraceNote;

/** A moment at which the execution left the run without preemptions. */
export interface Switch {
  readonly actor: number;
  readonly site: Site;
  /** The how-manieth decision of this actor at this site. */
  readonly occurrence: number;
  readonly to: number;
}

/** A switch of an execution that was written down. */
export interface RecordedSwitch extends Switch {
  readonly order: number;
}

/** A moment at which more than one actor could have gone on, named as a switch is. */
export interface Decision {
  /** Everything up to this step had happened. */
  readonly order: number;
  readonly actor: number;
  readonly site: Site;
  readonly occurrence: number;
}

export class Recorder {
  readonly entries: TraceEntry[] = [];
  readonly decisions: Decision[] = [];
  readonly switches: RecordedSwitch[] = [];
  readonly draws: { readonly order: number; readonly value: number }[] = [];
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  access(
    actor: number,
    memory: number,
    offset: number,
    bytes: number,
    site: Site,
    kind: AccessKind,
    value: number,
    before: number,
  ): void {
    const stack = callers();
    this.entries.push({
      type: "access",
      order: this.#order(),
      actor,
      memory,
      offset,
      bytes,
      site,
      kind,
      value,
      before,
      stack,
      event: (this.#words[WORD.journal] as number) - 1,
    });
  }

  note(actor: number, text: string): void {
    this.entries.push({ type: "note", order: this.#order(), actor, text });
  }

  draw(actor: number, value: number, limit: number): void {
    this.draws.push({ order: this.#order(), value });
    this.note(actor, `draws ${value} of ${limit}`);
  }

  decided(actor: number, site: Site, to: number, fallback: number): void {
    const occurrence = this.#words[AREA.occurrences + actor * SITE_COUNT + site] as number;
    this.decisions.push({ order: this.#words[WORD.recordOrder] as number, actor, site, occurrence });
    if (to !== fallback) this.switches.push({ actor, site, occurrence, to, order: this.#order() });
  }

  /** All threads share one counter. */
  #order(): number {
    const order = (this.#words[WORD.recordOrder] as number) + 1;
    this.#words[WORD.recordOrder] = order;
    return order;
  }
}

const OWN_FILES =
  /\/(memory\/([\w-]+-memory|stand-ins\/[\w-]+)|hunt\/(gate|trace|weak\/weak-memory|proof\/shared-memory|thread|worker))\.[tj]s/;
/** Frames of ours lie on top of those that people look for. */
const FRAMES = 30;

/** The production code's frames that led here. */
function callers(): string[] {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  Error.stackTraceLimit = limit;
  return frames
    .map((line) => /(?:\(|at )(?:file:\/\/)?(\/[^()]*:\d+):\d+\)?$/.exec(line.trim())?.[1] ?? "")
    .filter((place) => place !== "" && !OWN_FILES.test(place))
    .slice(0, 6);
}
