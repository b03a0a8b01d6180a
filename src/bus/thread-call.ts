/**
 * One thread asks another of its side to do something, and waits until it has: a CPU asks another CPU, the host's first
 * thread an I/O thread. What is asked for travels beside these words. One thread asks; each of the others has words of
 * its own.
 *
 *   asked   number of the last call, counted from 1
 *   done    number of the last one that was done
 */
import type { Doorbell } from "../memory/doorbell.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { site } from "../wire/sites.ts";

const ASK = site("call: ask");
const LOOK = site("call: look for a call");
const FINISH = site("call: done");
const AWAIT = site("call: look whether it is done");

/** Looks at the answer before sleeping. */
const SPINS = 2000;

/** Offsets of the callee's words. */
export interface CallWords {
  readonly callAsked: number;
  readonly callDone: number;
}

/** The asking thread's end. */
export class ThreadCaller {
  readonly #memory: SharedMemory;
  readonly #callee: CallWords;
  readonly #wake: () => void;
  readonly #own: Doorbell;
  readonly #spins: number;

  /** `wake` makes the callee look; `own` is the doorbell on which the asking thread sleeps. */
  constructor(
    memory: SharedMemory,
    callee: CallWords,
    wake: () => void,
    own: Doorbell,
    options: { spins?: number } = {},
  ) {
    this.#memory = memory;
    this.#callee = callee;
    this.#wake = wake;
    this.#own = own;
    this.#spins = options.spins ?? SPINS;
  }

  /** Returns when it is done; false: it was not, for so long. */
  ask(deadlineMs: number): boolean {
    // Ordering M: what is asked for, then its number.
    const number = (this.#memory.add32(this.#callee.callAsked, 1, ASK) + 1) >>> 0;
    this.#wake();
    return this.awaitDone(number, deadlineMs);
  }

  protected awaitDone(number: number, deadlineMs: number): boolean {
    for (let spin = 0; spin < this.#spins; spin++) if (this.#done(number)) return true;
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      // Ordering I: announce, then look whether it is done.
      const ticket = this.#own.announce();
      if (this.#done(number)) {
        this.#own.cancel();
        return true;
      }
      const left = deadline - performance.now();
      this.#own.sleep(ticket, Math.max(0, left));
      if (left <= 0) return this.#done(number);
    }
  }

  /** Ordering M: the number done, then whatever the call has taken away is ours. */
  #done(number: number): boolean {
    return this.#memory.load32(this.#callee.callDone, AWAIT) === number;
  }
}

/** The end of the thread that is asked. */
export class ThreadCallee {
  readonly #memory: SharedMemory;
  readonly #own: CallWords;
  readonly #caller: Doorbell;
  /** A call that ends later. */
  #underWay = false;

  constructor(memory: SharedMemory, own: CallWords, caller: Doorbell) {
    this.#memory = memory;
    this.#own = own;
    this.#caller = caller;
  }

  /** Whether somebody waits for something to begin. */
  pending(): boolean {
    if (this.#underWay) return false;
    return this.#memory.load32(this.#own.callAsked, LOOK) !== this.#memory.load32(this.#own.callDone, LOOK);
  }

  /**
   * Does everything that was asked for: `perform` once for each call, in order. What it promises is waited for before
   * the call counts as done. True if there was anything.
   */
  take(perform: () => void | Promise<void>): boolean {
    let took = false;
    // Ordering M: the number asked, then what is asked for.
    while (this.pending()) {
      took = true;
      const later = perform();
      if (later instanceof Promise) void this.#finishLater(later);
      else this.#finish();
    }
    return took;
  }

  async #finishLater(later: Promise<void>): Promise<void> {
    this.#underWay = true;
    await later;
    this.#underWay = false;
    this.#finish();
  }

  #finish(): void {
    // Ordering M: everything that was done, then its number. Ordering I: the number, then look for a sleeper.
    this.#memory.add32(this.#own.callDone, 1, FINISH);
    this.#caller.ring();
  }
}
