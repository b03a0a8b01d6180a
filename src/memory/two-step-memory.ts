/**
 * What memory without atomic instructions has in common: read-modify-writes in two steps, which is enough where nobody
 * else writes the word, and nobody who could sleep.
 */
import type { Site } from "../wire/sites.ts";
import type { WaitResult } from "./shared-memory.ts";

export abstract class TwoStepMemory {
  abstract readonly byteLength: number;
  /** For errors: "an emulator's memory". */
  protected abstract readonly what: string;

  abstract read32(offset: number, site: Site): number;
  abstract write32(offset: number, value: number, site: Site): void;

  store32(offset: number, value: number, site: Site): void {
    this.write32(offset, value, site);
  }
  add32(offset: number, value: number, site: Site): number {
    return this.#modify(offset, (before) => before + value, site);
  }
  or32(offset: number, value: number, site: Site): number {
    return this.#modify(offset, (before) => before | value, site);
  }
  and32(offset: number, value: number, site: Site): number {
    return this.#modify(offset, (before) => before & value, site);
  }
  exchange32(offset: number, value: number, site: Site): number {
    return this.#modify(offset, () => value, site);
  }

  wait32(): WaitResult {
    throw new Error(`nobody can sleep on ${this.what}`);
  }
  waitAsync32(): WaitResult {
    throw new Error(`nobody can sleep on ${this.what}`);
  }
  notify32(): number {
    return 0;
  }

  protected check(offset: number, length: number): void {
    if (offset < 0 || offset + length > this.byteLength) {
      throw new RangeError(`${this.what}: ${length} bytes at ${offset} do not fit in ${this.byteLength}`);
    }
  }

  #modify(offset: number, change: (before: number) => number, site: Site): number {
    const before = this.read32(offset, site);
    this.write32(offset, change(before) >>> 0, site);
    return before;
  }
}
