/**
 * What all threads of a live machine do to its shared memory, in one order: a ring of records behind one lock. Whoever
 * makes an access makes it and writes it down inside the lock, so that the order written down is the order in which it
 * happened. Slow, and worth it where races are looked for. Whoever reads takes no lock.
 *
 *   words   lock, records written, records taken, stop, threads, bytes of places used
 *   places  where in the source a thread first made an access of a kind at a site: "thread site kind stack"
 *   ring    records
 */
import type { Site } from "../wire/sites.ts";
import { type AccessRecord, readAccessRecord, writeAccessRecord } from "./access-record.ts";
import type { SharedBuffer } from "./attach.ts";

/** A thread's wait is over: the kind of a record that is no access. Others are those of `ACCESS`. */
export const WOKEN = 16;

const LOCK = 0;
const WRITTEN = 1;
const TAKEN = 2;
const STOP = 3;
const THREADS = 4;
const PLACES_USED = 5;
const HEADER_WORDS = 16;
const PLACES_BYTES = 1 << 18;
const RECORD_WORDS = 8;
const RECORDS = 1 << 17;
const SPINS = 200;
const LOOK_MS = 10;

export interface LoggedPlace {
  readonly thread: number;
  readonly site: Site;
  readonly kind: number;
  readonly stack: string;
}

export class AccessLog {
  static readonly BYTES = 4 * HEADER_WORDS + PLACES_BYTES + 4 * RECORD_WORDS * RECORDS;
  readonly #words: Int32Array;
  readonly #places: Uint8Array;
  readonly #ring: Int32Array;

  constructor(buffer: SharedBuffer) {
    this.#words = new Int32Array(buffer, 0, HEADER_WORDS);
    this.#places = new Uint8Array(buffer, 4 * HEADER_WORDS, PLACES_BYTES);
    this.#ring = new Int32Array(buffer, 4 * HEADER_WORDS + PLACES_BYTES);
  }

  /** A number for a thread that will write. */
  join(): number {
    return Atomics.add(this.#words, THREADS, 1);
  }

  enter(): void {
    const words = this.#words;
    for (let spin = 0; spin < SPINS; spin++) if (Atomics.compareExchange(words, LOCK, 0, 1) === 0) return;
    // 2: somebody sleeps.
    while (Atomics.exchange(words, LOCK, 2) !== 0) Atomics.wait(words, LOCK, 2);
  }

  leave(): void {
    if (Atomics.exchange(this.#words, LOCK, 0) === 2) Atomics.notify(this.#words, LOCK, 1);
  }

  /** Inside the lock. Waits while there is no room. */
  append(
    thread: number,
    kind: number,
    memory: number,
    offset: number,
    bytes: number,
    site: Site,
    value: number,
  ): void {
    const words = this.#words;
    const written = words[WRITTEN] as number;
    for (let taken = Atomics.load(words, TAKEN); ((written - taken) | 0) >= RECORDS; ) {
      Atomics.wait(words, TAKEN, taken, LOOK_MS);
      taken = Atomics.load(words, TAKEN);
    }
    const at = (written & (RECORDS - 1)) * RECORD_WORDS;
    writeAccessRecord(this.#ring, at, thread, kind, memory, offset, bytes, site, value);
    Atomics.store(words, WRITTEN, (written + 1) | 0);
  }

  /** Inside the lock. What finds no room is left out. */
  place({ thread, site, kind, stack }: LoggedPlace): void {
    const used = this.#words[PLACES_USED] as number;
    const text = new TextEncoder().encode(`${JSON.stringify([thread, site, kind, stack])}\n`);
    if (used + text.length > PLACES_BYTES) return;
    this.#places.set(text, used);
    this.#words[PLACES_USED] = used + text.length;
  }

  /** Takes what has been written; how much that was. One thread only. */
  take(each: (access: AccessRecord) => void): number {
    const words = this.#words;
    const ring = this.#ring;
    const taken = words[TAKEN] as number;
    const count = (Atomics.load(words, WRITTEN) - taken) | 0;
    for (let record = taken; record !== ((taken + count) | 0); record = (record + 1) | 0) {
      const at = (record & (RECORDS - 1)) * RECORD_WORDS;
      each(readAccessRecord(ring, at));
    }
    Atomics.store(words, TAKEN, (taken + count) | 0);
    Atomics.notify(words, TAKEN);
    return count;
  }

  /** Sleeps a little while there is nothing to take. */
  idle(): void {
    const words = this.#words;
    Atomics.wait(words, WRITTEN, words[TAKEN] as number, LOOK_MS);
  }

  /** Everybody who writes has ended: what is there is all there will be. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }
  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  get places(): LoggedPlace[] {
    const text = new TextDecoder().decode(this.#places.slice(0, this.#words[PLACES_USED]));
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [thread, site, kind, stack] = JSON.parse(line) as [number, number, number, string];
        return { thread, site, kind, stack };
      });
  }
}
