/** Bytes per second: a tenth of a second's worth at a time, and what is not used is not saved up for long. */
import type { Platform } from "../host/index.ts";

const PERIOD_MS = 100;

export class RateLimit {
  readonly #bytesPerMs: number;
  readonly #platform: Platform;
  readonly #budgetMax: number;
  #budget: number;
  #filledAt: number;
  #cancel: (() => void) | undefined;

  constructor(bytesPerSecond: number, platform: Platform) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#platform = platform;
    this.#budgetMax = Math.max(1, this.#bytesPerMs * PERIOD_MS);
    this.#budget = this.#budgetMax;
    this.#filledAt = platform.now();
  }

  /** Of the bytes wanted, how many may go now. */
  take(wanted: number): number {
    const now = this.#platform.now();
    this.#budget = Math.min(this.#budgetMax, this.#budget + (now - this.#filledAt) * this.#bytesPerMs);
    this.#filledAt = now;
    const granted = Math.min(wanted, Math.floor(this.#budget));
    this.#budget -= granted;
    return granted;
  }

  /** Calls back when there is more to take. One callback waits at a time. */
  later(callback: () => void): void {
    if (this.#cancel !== undefined) return;
    const ms = Math.ceil((this.#budgetMax - this.#budget) / this.#bytesPerMs);
    this.#cancel = this.#platform.after(ms, () => {
      this.#cancel = undefined;
      callback();
    });
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
