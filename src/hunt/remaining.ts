/** Which executions of a campaign are still to be run, when several lanes take them in batches. */

interface Range {
  readonly first: number;
  readonly count: number;
}

export class Remaining {
  /** In order; the last one has no end. */
  readonly #ranges: Range[];

  constructor(first: number) {
    this.#ranges = [{ first, count: Number.POSITIVE_INFINITY }];
  }

  /** All before it were run, or are being run. */
  get next(): number {
    return this.#ranges[0]?.first ?? 0;
  }

  /** The next `most` executions, or fewer; they are the taker's. */
  take(most: number): Range {
    const range = this.#ranges.shift() as Range;
    const taken = { first: range.first, count: Math.min(most, range.count) };
    this.giveBack({ first: range.first + taken.count, count: range.count - taken.count });
    return taken;
  }

  /** What was taken and not run. */
  giveBack(range: Range): void {
    if (range.count === 0) return;
    this.#ranges.push(range);
    this.#ranges.sort((a, b) => a.first - b.first);
  }
}
