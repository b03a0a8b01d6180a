/**
 * The guest's CPU in live mode: takes interrupts while a guest program runs as async code, spins a little when
 * there are none, then sleeps on the CPU's doorbell until there are.
 */
import type { Guest } from "./guest.ts";

/** Longest time without a turn of the event loop, for the program's timers and I/O and for control messages. */
const TURN_MS_MAX = 2;
/**
 * A turn of the microtask queue costs many polls. For some rounds the program may still have continuations to run;
 * after that, polling is what there is to do.
 */
const SETTLED_ROUNDS = 16;
const POLLS_PER_ROUND = 16;
/** Rounds between looks at the clock. */
const ROUNDS_PER_LOOK = 8;
/**
 * A wait that took no longer was worth spinning for. Much of it is the wake-up itself, and the host's too where both
 * sleep: counted as rest, they would keep either side from ever polling for the other again.
 */
const SHORT_WAIT_MS = 0.5;
const SPIN_MS_FIRST = 0.01;
const SPIN_MS_MAX = 0.1;
const FOREVER_MS = 2 ** 31 - 1;

/** What the loop sleeps on: the CPU's doorbell, or whatever wakes the guest of a foreign machine. */
export interface Sleeper {
  announce(): number;
  cancel(): void;
  sleepAsync(ticket: number, wakeEarly?: Promise<unknown>): Promise<void>;
}

export interface GuestLoopOptions {
  /** Upper bound of the adaptive spin; 0 sleeps at once. */
  readonly spinMsMax?: number;
}

export class GuestLoop {
  /** How often the loop went to sleep. */
  sleeps = 0;
  readonly #guest: Guest;
  readonly #doorbell: Sleeper;
  readonly #spinMsMax: number;
  #spinMs: number;
  #lastTurn = 0;
  #settled = false;
  #stopped = false;
  #wakeEarly: () => void = () => {};

  constructor(guest: Guest, doorbell: Sleeper, options: GuestLoopOptions = {}) {
    this.#guest = guest;
    this.#doorbell = doorbell;
    this.#spinMsMax = options.spinMsMax ?? SPIN_MS_MAX;
    this.#spinMs = this.#spinMsMax;
  }

  /** Runs the program to its end, taking interrupts meanwhile. One program at a time. */
  async run<T>(program: () => Promise<T>): Promise<T> {
    const result = (async () => program())();
    this.#settled = false;
    const settle = () => {
      this.#settled = true;
      this.#wakeEarly();
    };
    result.then(settle, settle);
    // The engine does not count a sleep on shared memory as work: without this an idle guest's thread would end.
    const keepAlive = setInterval(() => {}, FOREVER_MS);
    try {
      await this.#pump();
    } finally {
      clearInterval(keepAlive);
    }
    if (this.#stopped) throw new Error("the guest was stopped");
    return result;
  }

  /** Ends `run` without waiting for the program. */
  stop(): void {
    this.#stopped = true;
    this.#wakeEarly();
  }

  get #ended(): boolean {
    return this.#settled || this.#stopped;
  }

  /** One function and no more, because each promise between two polls costs as much as many polls. */
  async #pump(): Promise<void> {
    let quietSince = performance.now();
    this.#lastTurn = quietSince;
    for (let round = 1, quiet = 0; !this.#ended; round++) {
      quiet = this.#guest.poll() ? 0 : quiet + 1;
      // The program's continuations go first; timers and messages now and then.
      await undefined;
      if (this.#pendingWithin(quiet < SETTLED_ROUNDS ? 1 : POLLS_PER_ROUND)) continue;
      if (round % ROUNDS_PER_LOOK !== 0) continue;
      const now = performance.now();
      if (quiet < ROUNDS_PER_LOOK) quietSince = now;
      if (quiet >= SETTLED_ROUNDS && now - quietSince >= this.#spinMs) {
        await this.#sleep();
        this.#lastTurn = performance.now();
        this.#adapt(this.#lastTurn - quietSince);
        quiet = 0;
      } else if (now - this.#lastTurn >= TURN_MS_MAX) await this.#turn();
    }
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#lastTurn = performance.now();
  }

  #pendingWithin(polls: number): boolean {
    for (let poll = 0; poll < polls; poll++) if (this.#guest.pending) return true;
    return false;
  }

  async #sleep(): Promise<void> {
    // Ordering I: announce, then look for work.
    const ticket = this.#doorbell.announce();
    if (this.#ended || this.#guest.pending) {
      this.#doorbell.cancel();
      return;
    }
    this.sleeps++;
    // One promise per sleep: racing against the program's own would keep a reaction of every sleep alive.
    const early = new Promise<void>((resolve) => {
      this.#wakeEarly = resolve;
    });
    await this.#doorbell.sleepAsync(ticket, early);
  }

  /** Spin longer if that would have saved this sleep, less if it was far from it. */
  #adapt(waitedMs: number): void {
    if (waitedMs > this.#spinMsMax + SHORT_WAIT_MS)
      this.#spinMs = this.#spinMs < 2 * SPIN_MS_FIRST ? 0 : this.#spinMs / 2;
    else this.#spinMs = Math.min(Math.max(2 * this.#spinMs, SPIN_MS_FIRST), this.#spinMsMax);
  }
}
