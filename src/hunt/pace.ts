/**
 * Spin or sleep? Waiting threads that spin hand the baton over in a fraction of a microsecond while each has a core, and
 * hold each other up for milliseconds while they share one. Nobody tells a thread which of the two it is, so the leader
 * measures: now and then it tries the other way for a moment, and keeps what was faster.
 */
import { SPINS_LONG, SPINS_SHORT, type Turnstile } from "../memory/turnstile.ts";

const SLICE_MS = 10;
/** Before a trial of spinning is measured: threads that slept share a core until the system moves one of them. */
const SETTLE_MS = 40;
/** Slices that such a trial may take to show that it is better. */
const TRIES = 4;
/** In a batch shorter than this, spinning could not pay for its beginning. */
const SHORT_BATCH = 64;
/** Slices until the next trial: doubled by each that was lost. */
const APART_SLEEPING = 4;
const APART_SPINNING = 32;
const APART_MAX = 128;
/** A slice of spinning that is so many times slower than others: somebody else has taken a core. */
const COLLAPSE = 4;

type Stage = "usual" | "settling" | "trial";

export class Pace {
  readonly #turnstile: Turnstile;
  #spinning = true;
  #short = false;
  #tries = 0;
  #stage: Stage = "usual";
  #apart = APART_SLEEPING;
  #slices = 0;
  #executions = 0;
  #since = 0;
  #paused = 0;
  /** Milliseconds for an execution in the fastest slice since the last trial: one that was disturbed says nothing. */
  #best = Number.POSITIVE_INFINITY;

  constructor(turnstile: Turnstile) {
    this.#turnstile = turnstile;
    this.#begin("usual");
    this.#paused = this.#since;
  }

  /** Between two batches nothing is measured. */
  pause(): void {
    this.#paused = performance.now();
  }
  resume(count: number, crowded: boolean): void {
    this.#short = crowded || count < SHORT_BATCH;
    this.#since += performance.now() - this.#paused;
    this.#turnstile.spins = this.#short ? SPINS_SHORT : this.#spins;
  }

  /** After each execution, holding the baton. */
  tick(): void {
    if (this.#short) return;
    this.#executions++;
    const spent = performance.now() - this.#since;
    if (spent < (this.#stage === "settling" && !this.#spinning ? SETTLE_MS : SLICE_MS)) return;
    const each = spent / this.#executions;
    if (this.#stage === "settling") this.#begin("trial");
    else if (this.#stage === "trial") this.#judge(each);
    else this.#note(each);
  }

  #judge(each: number): void {
    const better = each < this.#best;
    if (!better && !this.#spinning && ++this.#tries < TRIES) {
      this.#begin("trial");
      return;
    }
    this.#tries = 0;
    if (better) this.#spinning = !this.#spinning;
    const least = this.#spinning ? APART_SPINNING : APART_SLEEPING;
    this.#apart = better ? least : Math.min(2 * this.#apart, APART_MAX);
    this.#slices = 0;
    this.#best = Number.POSITIVE_INFINITY;
    this.#begin("usual");
  }

  #note(each: number): void {
    if (this.#spinning && each > COLLAPSE * this.#best) {
      // What was once possible is no measure any more.
      this.#best = each;
      this.#begin("settling");
      return;
    }
    this.#best = Math.min(each, this.#best);
    this.#begin(++this.#slices >= this.#apart ? "settling" : "usual");
  }

  #begin(stage: Stage): void {
    this.#stage = stage;
    this.#executions = 0;
    this.#turnstile.spins = this.#spins;
    this.#since = performance.now();
  }

  get #spins(): number {
    return this.#spinning === (this.#stage === "usual") ? SPINS_LONG : SPINS_SHORT;
  }
}
