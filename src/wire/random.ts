/** Repeatable pseudo-random bytes from a seed (SplitMix32): for data that both sides can predict, never for secrets. */

/** Seeds are words of 32 bits: a larger number gives what one of these gives. */
export const SEED_MAX = 2 ** 32 - 1;

export const isSeed = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= SEED_MAX;
/** Counting up; the largest one is followed by 0. */
export const seedAfter = (seed: number, count: number): number => (seed + count) % (SEED_MAX + 1);

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next 32 bits. */
  next(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** Fills bytes, each draw giving four, low byte first. */
  fill(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 4) {
      const word = this.next();
      bytes[at] = word;
      if (at + 1 < bytes.length) bytes[at + 1] = word >>> 8;
      if (at + 2 < bytes.length) bytes[at + 2] = word >>> 16;
      if (at + 3 < bytes.length) bytes[at + 3] = word >>> 24;
    }
  }
}
