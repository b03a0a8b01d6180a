/** What was begun and has not ended: a report of a machine that does not get on says at which step it is. */

/** Does the work, which a report meanwhile calls by the name of the step. */
export type During = <T>(step: string, work: () => Promise<T>) => Promise<T>;

export const unwatched: During = (_step, work) => work();

export class UnderWay {
  readonly #steps = new Set<{ readonly step: string; readonly begun: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  readonly during: During = async (step, work) => {
    const own = { step, begun: this.#now() };
    this.#steps.add(own);
    try {
      return await work();
    } finally {
      this.#steps.delete(own);
    }
  };

  /** In the order in which they were begun, each with how long ago that was. */
  describe(): readonly string[] {
    return [...this.#steps].map(({ step, begun }) => `${step}, for ${Math.round(this.#now() - begun)} ms`);
  }
}
