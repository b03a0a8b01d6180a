/**
 * The turnstile of controlled threads: one baton, and shared words that whoever holds it may read and write as if it
 * were alone. Passing the baton is the only synchronisation: everything before a pass is visible after the `await`
 * that received it, so the words need no atomics of their own.
 *
 * A waiting thread spins first, because a sleep and its wake-up cost as much as a whole short execution. Where
 * threads outnumber the cores that are free, spinning keeps the holder from running: the leader of the threads
 * measures which of the two is better now, and says so (`spins`).
 */
import { allocateShared, type SharedBuffer } from "./attach.ts";

/** Words of the baton itself: the holder on its own cache line, then one "I sleep" flag per thread, then the looks. */
const HOLDER = 0;
const SLEEPING = 16;
const SPINS = 24;
export const MAX_THREADS = 8;
const HEADER_WORDS = 32;

/**
 * Looks before sleeping: some milliseconds, or none to speak of. Nothing between: a system puts a thread that is woken
 * beside its waker, and then even a short wait is too long.
 */
export const SPINS_LONG = 200_000;
export const SPINS_SHORT = 20;

export class Turnstile {
  /** Shared words beyond the baton; valid while holding it. */
  readonly words: Int32Array;
  private readonly header: Int32Array;

  constructor(buffer: SharedBuffer) {
    this.header = new Int32Array(buffer, 0, HEADER_WORDS);
    this.words = new Int32Array(buffer, 4 * HEADER_WORDS);
  }

  static allocate(words: number): SharedBuffer {
    const buffer = allocateShared(4 * (HEADER_WORDS + words));
    new Int32Array(buffer)[SPINS] = SPINS_LONG;
    return buffer;
  }

  /** Looks that a thread takes before it sleeps; for the holder to set. */
  set spins(looks: number) {
    this.header[SPINS] = looks;
  }

  /** Gives the baton to a thread; only its holder may. */
  pass(thread: number): void {
    Atomics.store(this.header, HOLDER, thread);
    if (Atomics.load(this.header, SLEEPING + thread) !== 0) Atomics.notify(this.header, HOLDER);
  }

  /** Blocks until this thread holds the baton. */
  await(thread: number): void {
    const spins = this.header[SPINS] as number;
    for (let spin = 0; spin < spins; spin++) {
      if (Atomics.load(this.header, HOLDER) === thread) return;
    }
    Atomics.store(this.header, SLEEPING + thread, 1);
    for (;;) {
      const holder = Atomics.load(this.header, HOLDER);
      if (holder === thread) break;
      Atomics.wait(this.header, HOLDER, holder);
    }
    Atomics.store(this.header, SLEEPING + thread, 0);
  }
}
