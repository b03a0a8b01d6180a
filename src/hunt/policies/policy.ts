/**
 * A policy decides who moves. It lives on every thread at once, so what it remembers lies in the shared words; the
 * object itself holds constants only. Choices are written down by the gate: a policy need not be repeatable.
 */

export interface Policy {
  readonly name: string;
  readonly summary: string;
  /** The start of an execution. `words[WORD.random]` is seeded already. */
  begin(words: Int32Array, actors: number): void;
  /** Asked at every step, also when only one actor can move. */
  readonly everyStep?: true;
  /**
   * One actor of `enabled` (two bits at least). `current` is the one at an access now; it is not in `enabled` when it
   * has blocked or ended. `fallback` is what a run without preemptions would choose. Negative: nothing new lies beyond.
   */
  choose(words: Int32Array, enabled: number, current: number, fallback: number): number;
  /** A number below `limit`, for a scenario's free choices. */
  draw(words: Int32Array, limit: number): number;
  /** The end of an execution; sets `WORD.exhausted` when there is nothing left to try. */
  end?(words: Int32Array): void;
}
