/**
 * The turnstile of controlled threads: one baton, and shared words that whoever holds it may read and write as if it
 * were alone. Passing the baton is the only synchronisation: everything before a pass is visible after the `await`
 * that received it, so the words need no atomics of their own.
 *
 * A waiting thread spins first, because a sleep and its wake-up cost as much as a whole short execution.
 */
import { allocateShared, type SharedBuffer } from "./attach.ts";

/** Words of the baton itself: the holder on its own cache line, then one "I sleep" flag per thread. */
const HOLDER = 0;
const SLEEPING = 16;
export const MAX_THREADS = 8;
const HEADER_WORDS = 32;

/** Looks before sleeping: about 100 µs at most; where cores are short, spinning keeps the holder from running. */
const SPINS_MAX = 8000;
const SPINS_MIN = 100;

export class Turnstile {
  /** Shared words beyond the baton; valid while holding it. */
  readonly words: Int32Array;
  readonly #header: Int32Array;
  #spins = SPINS_MAX;

  constructor(buffer: SharedBuffer) {
    this.#header = new Int32Array(buffer, 0, HEADER_WORDS);
    this.words = new Int32Array(buffer, 4 * HEADER_WORDS);
  }

  static allocate(words: number): SharedBuffer {
    return allocateShared(4 * (HEADER_WORDS + words));
  }

  /** Gives the baton to a thread; only its holder may. */
  pass(thread: number): void {
    Atomics.store(this.#header, HOLDER, thread);
    if (Atomics.load(this.#header, SLEEPING + thread) !== 0) Atomics.notify(this.#header, HOLDER);
  }

  /** Blocks until this thread holds the baton. */
  await(thread: number): void {
    for (let spin = 0; spin < this.#spins; spin++) {
      if (Atomics.load(this.#header, HOLDER) !== thread) continue;
      if (this.#spins < SPINS_MAX) this.#spins += SPINS_MIN;
      return;
    }
    this.#spins = Math.max(SPINS_MIN, this.#spins >>> 1);
    Atomics.store(this.#header, SLEEPING + thread, 1);
    for (;;) {
      const holder = Atomics.load(this.#header, HOLDER);
      if (holder === thread) break;
      Atomics.wait(this.#header, HOLDER, holder);
    }
    Atomics.store(this.#header, SLEEPING + thread, 0);
  }
}
