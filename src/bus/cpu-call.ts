/**
 * One virtual CPU asks another to do something, and waits until it has: the other is interrupted, and does it where it
 * takes interrupts. What is asked for travels beside these words. One CPU asks; each of the others has words of its own.
 *
 *   asked   number of the last call, counted from 1
 *   done    number of the last one that was done
 */
import type { Doorbell } from "../memory/doorbell.ts";
import type { CpuPlan } from "../memory/plan.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { FIRST_SYSTEM_VECTOR } from "../wire/hot-plug.ts";
import { site } from "../wire/sites.ts";
import type { InterruptController } from "./interrupt-controller.ts";

const ASK = site("cpu call: ask");
const LOOK = site("cpu call: look for a call");
const FINISH = site("cpu call: done");
const AWAIT = site("cpu call: look whether it is done");

/** System interrupts between CPUs: a call is there; a device that has no vector for it wants a look at the queues. */
export const CALL_IRQ = 10;
export const QUEUES_IRQ = 11;

/** Looks at the answer before sleeping. */
const SPINS = 2000;

/** The asking CPU's end. */
export class CpuCaller {
  readonly #memory: SharedMemory;
  readonly #callee: CpuPlan;
  readonly #controller: InterruptController;
  readonly #own: Doorbell;
  readonly #spins: number;

  /** `callee` and its interrupt controller; the doorbell on which the asking CPU sleeps. */
  constructor(
    memory: SharedMemory,
    callee: CpuPlan,
    controller: InterruptController,
    own: Doorbell,
    options: { spins?: number } = {},
  ) {
    this.#memory = memory;
    this.#callee = callee;
    this.#controller = controller;
    this.#own = own;
    this.#spins = options.spins ?? SPINS;
  }

  /** Returns when it is done; false: it was not, for so long. */
  ask(deadlineMs: number): boolean {
    // Ordering M: what is asked for, then its number.
    const number = (this.#memory.add32(this.#callee.callAsked, 1, ASK) + 1) >>> 0;
    this.#controller.post(FIRST_SYSTEM_VECTOR + CALL_IRQ);
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

  /** Has the other CPU look at all its queues. */
  lookAtQueues(): void {
    this.#controller.post(FIRST_SYSTEM_VECTOR + QUEUES_IRQ);
  }

  /** Ordering M: the number done, then whatever the call has taken away is ours. */
  #done(number: number): boolean {
    return this.#memory.load32(this.#callee.callDone, AWAIT) === number;
  }
}

/** The end of the CPU that is asked. */
export class CpuCallee {
  readonly #memory: SharedMemory;
  readonly #own: CpuPlan;
  readonly #caller: Doorbell;

  constructor(memory: SharedMemory, own: CpuPlan, caller: Doorbell) {
    this.#memory = memory;
    this.#own = own;
    this.#caller = caller;
  }

  /** Does everything that was asked for: `perform` once for each call, in order. True if there was anything. */
  take(perform: () => void): boolean {
    let took = false;
    for (;;) {
      // Ordering M: the number asked, then what is asked for.
      const asked = this.#memory.load32(this.#own.callAsked, LOOK);
      const done = this.#memory.load32(this.#own.callDone, LOOK);
      if (asked === done) return took;
      took = true;
      perform();
      // Ordering M: everything that was done, then its number. Ordering I: the number, then look for a sleeper.
      this.#memory.store32(this.#own.callDone, (done + 1) >>> 0, FINISH);
      this.#caller.ring();
    }
  }
}
