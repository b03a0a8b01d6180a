/**
 * A data-race detector for shared memory in JavaScript: the ECMAScript definition, per byte, with mixed sizes.
 *
 * Fed with the events of one sequentially consistent execution, it keeps happens-before as vector clocks:
 *
 *   agent order          what one agent does is ordered
 *   synchronises-with    an atomic write and an atomic read that reads from it, *over the same range*; two
 *                        critical sections of one waiter list, earlier before later (wait, wake-up and notify are
 *                        such sections, also a notify that wakes nobody); a message and its receipt; start and join
 *
 * Two accesses race when they overlap, at least one writes, neither happens before the other, and they are not both
 * atomic over the same range. Because the repaired model gives race-free programs sequentially consistent behaviour
 * only (arXiv 2005.10554), a program whose every sequentially consistent execution passes here has no others.
 *
 * A read is held against every earlier unordered write, not only the one it read from: some other execution of the
 * same program has it read from that one.
 */
import type { Site } from "../../wire/sites.ts";
import { Cells } from "./cells.ts";
import { join, type VectorClock } from "./vector-clock.ts";

export type AccessType = "read" | "write" | "update";

export interface Access {
  readonly agent: number;
  /** Which shared buffer. */
  readonly memory: number;
  readonly offset: number;
  readonly bytes: number;
  readonly type: AccessType;
  readonly atomic: boolean;
  /** A bulk copy or a DataView access: may tear even over its own range. */
  readonly bulk?: boolean;
  readonly site?: Site;
  readonly value?: number;
  readonly stack?: string;
  /** Place in the journal. */
  readonly event?: number;
}

export interface Race {
  readonly first: Access;
  readonly second: Access;
  /** Overlapping bytes, from the first one. */
  readonly offset: number;
  readonly bytes: number;
  /** One may see a part of the other: their ranges differ, or one is a bulk access. */
  readonly mayTear: boolean;
  /** What would order them. */
  readonly missing: string;
}

/** Two accesses that would race but for an edge: where they are, and the atomic access that brought the edge. */
export interface Justified {
  readonly first: Site;
  readonly second: Site;
  readonly by: Site;
}

/** What an agent learned of another: everything up to there, and where it did. */
interface Learned {
  readonly upTo: number;
  readonly at: Site;
}

/** The last access of one kind by one agent to a byte; a later one of the same kind stands for it. */
interface Seen {
  access: Access;
  clock: number;
}

/** The last write to a byte where that was an atomic one, and what its agent knew: what a reader of it learns. */
interface Written {
  readonly access: Access;
  readonly clock: VectorClock;
}

/** Of bytes that were always accessed together. */
interface Bytes {
  readonly seen: Seen[];
  written: Written | undefined;
}

const untouched = (): Bytes => ({ seen: [], written: undefined });
const copied = ({ seen, written }: Bytes): Bytes => ({ seen: seen.map((each) => ({ ...each })), written });

const NONE: Race[] = [];
const MAX_RACES = 1000;
const MAX_AGENTS = 64;

export class RaceDetector {
  readonly races: Race[] = [];
  /** Each pair of places once; undefined: not asked for. */
  readonly justified: Map<string, Justified> | undefined;
  /** By agent and by whom it learned of, oldest first. */
  readonly #learned = new Map<number, Learned[]>();
  readonly #clocks: VectorClock[] = [];
  readonly #memories: Cells<Bytes>[] = [];
  readonly #waiterLists = new Map<string, VectorClock>();
  readonly #reported = new Set<string>();

  constructor({ justify = false } = {}) {
    this.justified = justify ? new Map() : undefined;
  }

  /** One access, in execution order. Returns the races it is part of. */
  access(access: Access): readonly Race[] {
    checkRange(access.memory, access.offset, access.bytes);
    const clock = this.#clock(access.agent);
    const range = this.#range(access);
    if (access.atomic && access.type !== "write") this.#synchronise(access, clock, range);
    const races = this.#check(access, clock, range);
    this.#record(access, clock, range);
    return races;
  }

  /** An agent enters and leaves the critical section of a word's waiter list: notify, wait, or a wake-up. */
  criticalSection(agent: number, memory: number, offset: number, site: Site = 0): void {
    checkRange(memory, offset, 4);
    const key = `${memory}:${offset}`;
    const clock = this.#clock(agent);
    const list = this.#waiterLists.get(key) ?? [];
    this.#learn(agent, list, site);
    join(clock, list);
    join(list, clock);
    this.#waiterLists.set(key, list);
    this.#tick(agent);
  }

  /** A message is sent (or an agent started, or ends): what the receiver will learn. */
  send(agent: number): readonly number[] {
    const known = [...this.#clock(agent)];
    this.#tick(agent);
    return known;
  }

  /** The message arrives (or the started agent begins, or the end is noticed). */
  receive(agent: number, known: readonly number[]): void {
    known.forEach((time, other) => {
      const now = this.#clocks[other]?.[other] ?? 0;
      if (!(Number.isInteger(time) && time >= 0 && time <= now)) {
        throw new RangeError(`a message knows agent ${other} at ${time}, and that is only at ${now}`);
      }
    });
    join(this.#clock(agent), known);
  }

  #clock(agent: number): VectorClock {
    let clock = this.#clocks[agent];
    if (clock === undefined) {
      if (!(Number.isInteger(agent) && agent >= 0 && agent < MAX_AGENTS)) {
        throw new RangeError(`agent: expected 0 to ${MAX_AGENTS - 1}, got ${agent}`);
      }
      clock = [];
      clock[agent] = 1;
      for (let other = 0; other < agent; other++) clock[other] ??= 0;
      this.#clocks[agent] = clock;
    }
    return clock;
  }

  #tick(agent: number): void {
    const clock = this.#clock(agent);
    clock[agent] = (clock[agent] ?? 0) + 1;
  }

  #range({ memory, offset, bytes }: Access): readonly Bytes[] {
    let cells = this.#memories[memory];
    if (cells === undefined) {
      cells = new Cells(untouched, copied);
      this.#memories[memory] = cells;
    }
    return cells.range(offset, bytes);
  }

  /** An atomic read learns what the atomic writes it reads from knew, where the ranges are equal. */
  #synchronise(access: Access, clock: VectorClock, range: readonly Bytes[]): void {
    for (const { written } of range) {
      if (written === undefined || !sameRange(written.access, access)) continue;
      this.#learn(access.agent, written.clock, access.site ?? 0);
      join(clock, written.clock);
    }
  }

  #check(access: Access, clock: VectorClock, range: readonly Bytes[]): readonly Race[] {
    let found: Race[] = NONE;
    for (const { seen: before } of range) {
      for (const seen of before) {
        if (!conflict(seen.access, access)) continue;
        if (seen.clock <= (clock[seen.access.agent] ?? 0)) {
          this.#justify(seen, access);
          continue;
        }
        const race = this.#report(seen.access, access);
        if (race !== undefined) found = [...found, race];
      }
    }
    return found;
  }

  /** What `agent` is about to know is news to it. */
  #learn(agent: number, known: readonly number[], at: Site): void {
    if (this.justified === undefined) return;
    const clock = this.#clock(agent);
    known.forEach((upTo, other) => {
      if (other === agent || upTo <= (clock[other] ?? 0)) return;
      const pair = MAX_AGENTS * agent + other;
      const news = this.#learned.get(pair) ?? [];
      news.push({ upTo, at });
      this.#learned.set(pair, news);
    });
  }

  #justify({ access: first, clock }: Seen, second: Access): void {
    if (this.justified === undefined) return;
    const news = this.#learned.get(MAX_AGENTS * second.agent + first.agent) ?? [];
    let low = 0;
    let high = news.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((news[middle] as Learned).upTo < clock) low = middle + 1;
      else high = middle;
    }
    const pair = { first: first.site ?? 0, second: second.site ?? 0, by: news[low]?.at ?? 0 };
    this.justified.set(`${pair.first}/${pair.second}/${pair.by}`, pair);
  }

  /** Each pair of places once: a loop that races a million times is one race. */
  #report(first: Access, second: Access): Race | undefined {
    const key = [first, second]
      .map((a) => `${a.agent}/${a.type}/${a.site}/${a.offset}/${a.bytes}/${a.atomic}`)
      .join();
    if (this.#reported.has(key) || this.races.length >= MAX_RACES) return undefined;
    this.#reported.add(key);
    const offset = Math.max(first.offset, second.offset);
    const bytes = Math.min(first.offset + first.bytes, second.offset + second.bytes) - offset;
    const mayTear = !sameRange(first, second) || first.bulk === true || second.bulk === true;
    const race = { first, second, offset, bytes, mayTear, missing: missingOrder(first, second) };
    this.races.push(race);
    return race;
  }

  #record(access: Access, clock: VectorClock, range: readonly Bytes[]): void {
    const own = clock[access.agent] ?? 0;
    const writes = access.type !== "read";
    // Nobody learns anything from a plain write.
    const written = writes && access.atomic ? { access, clock: [...clock] } : undefined;
    for (const bytes of range) {
      const same = bytes.seen.find((seen) => sameKind(seen.access, access));
      if (same === undefined) bytes.seen.push({ access, clock: own });
      else {
        same.access = access;
        same.clock = own;
      }
      if (writes) bytes.written = written;
    }
    // What comes after a write that others may learn from is not part of what they learn.
    if (written !== undefined) this.#tick(access.agent);
  }
}

const whole = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;

function checkRange(memory: number, offset: number, bytes: number): void {
  if (!whole(memory, 0)) throw new RangeError(`memory: expected a number of a buffer, got ${memory}`);
  if (!whole(offset, 0)) throw new RangeError(`offset: expected a number of bytes, got ${offset}`);
  if (!whole(bytes, 1)) throw new RangeError(`bytes: expected at least 1, got ${bytes}`);
}

const sameRange = (a: Access, b: Access): boolean => a.offset === b.offset && a.bytes === b.bytes;

const sameKind = (a: Access, b: Access): boolean =>
  a.agent === b.agent && a.type === b.type && a.atomic === b.atomic && sameRange(a, b);

function conflict(a: Access, b: Access): boolean {
  if (a.agent === b.agent || (a.type === "read" && b.type === "read")) return false;
  return !(a.atomic && b.atomic && sameRange(a, b));
}

function missingOrder(first: Access, second: Access): string {
  if (first.atomic && second.atomic)
    return "both are atomic, but not over the same range: use one width for the word";
  const plain = first.atomic ? "the second" : second.atomic ? "the first" : "neither";
  return plain === "neither"
    ? "neither is atomic, and no atomic publish and look (or wait and notify) lies between them"
    : `${plain} is not atomic, and no atomic publish and look (or wait and notify) lies between them`;
}
