/** Choices that follow from a seed. */
import { Random } from "../../wire/random.ts";

export class Dice {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return this.#random.next() % Math.max(1, limit);
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<Choice>(choices: readonly [Choice, ...Choice[]]): Choice {
    return choices[this.below(choices.length)] ?? choices[0];
  }
  /** 2 to the power of a number from `least` to `most`. */
  powerOfTwo(least: number, most: number): number {
    return 2 ** (least + this.below(most - least + 1));
  }
}
