/** The programs that run in a guest side by side: its one loop turns while there is any. */
import type { GuestLoop } from "../guest/loop.ts";

export class Programs {
  readonly #loop: GuestLoop;
  readonly #running = new Set<Promise<unknown>>();
  #turning: Promise<void> | undefined;

  constructor(loop: GuestLoop) {
    this.#loop = loop;
  }

  async run<T>(program: () => Promise<T>): Promise<T> {
    const result = (async () => program())();
    this.#running.add(result);
    this.#turning ??= this.#turn();
    // The loop ends after the program, or fails under it: an interrupt handler has thrown.
    const failed = this.#turning.then(() => result);
    return Promise.race([result, failed]);
  }

  async #turn(): Promise<void> {
    try {
      // One may be added while the loop ends.
      while (this.#running.size > 0) await this.#loop.run(() => this.#allEnded());
    } finally {
      this.#running.clear();
      this.#turning = undefined;
    }
  }

  /** Those that are added meanwhile too: a set is walked to where it ends by then. */
  async #allEnded(): Promise<void> {
    for (const program of this.#running) {
      await program.catch(() => undefined);
      this.#running.delete(program);
    }
  }
}
