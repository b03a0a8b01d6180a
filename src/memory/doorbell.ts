/**
 * A doorbell wakes the one thread that sleeps on it. Whoever has published work rings; the sleeper announces
 * itself, looks for work once more, and only then sleeps (ordering letter I, see ORDERING.md).
 *
 *   word 0  rings     counts rings that found a sleeper; the word that is slept on
 *   word 1  sleepers  how many sleeps are announced: a count, because a thread that sleeps asynchronously may
 *                     be woken by something else and block on the same doorbell meanwhile
 *
 * A ring with nobody asleep is a single atomic load. The words fill a cache line, away from their neighbours.
 */
import { site } from "../wire/sites.ts";
import type { SharedMemory, WaitResult } from "./shared-memory.ts";

const LOOK_FOR_SLEEPER = site("doorbell: look for sleeper");
const RING = site("doorbell: ring");
const WAKE = site("doorbell: wake");
const LOOK = site("doorbell: look");
const ANNOUNCE = site("doorbell: announce sleep");
const SLEEP = site("doorbell: sleep");
const WAKE_UP = site("doorbell: wake up");

export class Doorbell {
  static readonly BYTES = 64;
  static readonly ALIGN = 64;
  /** Sleeps of this thread that found the bell rung or were woken (not timed out). */
  wakeups = 0;
  protected readonly memory: SharedMemory;
  protected readonly rings: number;
  protected readonly sleepers: number;
  #pending: Promise<WaitResult> | undefined;

  constructor(memory: SharedMemory, offset: number) {
    this.memory = memory;
    this.rings = offset;
    this.sleepers = offset + 4;
  }

  /** Call after publishing work with an atomic store. Ordering I: publish, then look for a sleeper. */
  ring(): void {
    if (this.memory.load32(this.sleepers, LOOK_FOR_SLEEPER) === 0) return;
    this.memory.add32(this.rings, 1, RING);
    this.memory.notify32(this.rings, WAKE);
  }

  /**
   * Announces a sleep and returns its ticket. Ordering I: announce, then look for work. Every announcement is
   * followed by exactly one `sleep`, `sleepAsync` or `cancel`.
   */
  announce(): number {
    this.memory.add32(this.sleepers, 1, ANNOUNCE);
    return this.memory.load32(this.rings, LOOK);
  }

  /** Takes an announcement back: work was found. */
  cancel(): void {
    this.memory.add32(this.sleepers, -1, WAKE_UP);
  }

  /** Blocks the thread until a ring later than the ticket. The caller looks again, whatever the result. */
  sleep(ticket: number, timeoutMs: number): WaitResult {
    const result = this.memory.wait32(this.rings, ticket, timeoutMs, SLEEP);
    if (result !== "timed-out") this.wakeups++;
    this.cancel();
    return result;
  }

  /**
   * Sleeps without blocking the event loop. `wakeEarly` (a back-end's completion, a control message) may end the
   * sleep too. The engine's waiter then stays queued and serves the next sleep, whatever its ticket: a ring moves
   * the word and wakes every waiter, so a left-over one that is out of date has been woken, or is about to be.
   */
  async sleepAsync(ticket: number, wakeEarly?: Promise<unknown>): Promise<void> {
    if (this.#pending === undefined) {
      const waiting = this.memory.waitAsync32(this.rings, ticket, Number.POSITIVE_INFINITY, SLEEP);
      if (typeof waiting === "string") {
        this.wakeups++;
        this.cancel();
        return;
      }
      this.#pending = waiting;
      void waiting.then(() => {
        this.#pending = undefined;
      });
    }
    try {
      await (wakeEarly === undefined ? this.#pending : Promise.race([this.#pending, wakeEarly]));
      this.wakeups++;
    } finally {
      // Also when `wakeEarly` fails: an announcement left behind would make every later ring a costly one.
      this.cancel();
    }
  }

  /** Both words, for a stall report. */
  describe(): { rings: number; sleepers: number } {
    return { rings: this.memory.read32(this.rings, 0), sleepers: this.memory.read32(this.sleepers, 0) };
  }
}
