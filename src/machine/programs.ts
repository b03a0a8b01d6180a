/** The programs that run in a guest side by side: its one loop turns while there is any. */
import type { GuestLoop } from "../guest/loop.ts";

export class Programs {
  readonly #loop: GuestLoop;
  readonly #running = new Set<Promise<unknown>>();
  /** Who is told when the loop fails under its program. */
  readonly #failing = new Set<(error: unknown) => void>();
  #turning = false;

  constructor(loop: GuestLoop) {
    this.#loop = loop;
  }

  async run<T>(program: () => Promise<T>): Promise<T> {
    const result = (async () => program())();
    this.#running.add(result);
    // The loop ends after the program, or fails under it: an interrupt handler has thrown.
    const ended = new Promise<T>((resolve, reject) => {
      const settled = () => this.#failing.delete(reject);
      this.#failing.add(reject);
      result.then(resolve, reject).then(settled, settled);
    });
    if (!this.#turning) void this.#turn();
    return ended;
  }

  async #turn(): Promise<void> {
    this.#turning = true;
    try {
      // One may be added while the loop ends.
      while (this.#running.size > 0) await this.#loop.run(() => this.#allEnded());
    } catch (error) {
      for (const fail of this.#failing) fail(error);
    }
    this.#running.clear();
    this.#turning = false;
  }

  /** Those that are added meanwhile too: a set is walked to where it ends by then. */
  async #allEnded(): Promise<void> {
    for (const program of this.#running) {
      await program.catch(() => undefined);
      this.#running.delete(program);
    }
  }
}
