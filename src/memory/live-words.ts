/** Words of shared memory as the language has them, for code that is to run at full speed on real threads. */
import type { SharedBuffer } from "./attach.ts";

export interface LiveWords {
  readonly words: Int32Array;
  readonly halves: Uint16Array;
}

export const liveAtomics: typeof Atomics = Atomics;

/** `count` pieces of `words` words each, `stride` bytes apart. */
export const liveWords = (
  buffer: SharedBuffer,
  count: number,
  words: number,
  stride: number,
): readonly LiveWords[] =>
  Array.from({ length: count }, (_, at) => ({
    words: new Int32Array(buffer, at * stride, words),
    halves: new Uint16Array(buffer, at * stride, 2 * words),
  }));

const SPINS = 2000;

/** Threads that go on together. */
export class Barrier {
  readonly #words: Int32Array;
  readonly #threads: number;
  #target = 0;

  constructor(buffer: SharedBuffer, threads: number) {
    this.#words = new Int32Array(buffer);
    this.#threads = threads;
  }

  meet(): void {
    const words = this.#words;
    this.#target += this.#threads;
    let here = Atomics.add(words, 0, 1) + 1;
    for (let spin = 0; here < this.#target; spin++) {
      // Where there are more threads than processors, somebody has to let go.
      if (spin > SPINS) Atomics.wait(words, 0, here, 1);
      here = Atomics.load(words, 0);
    }
    if (here === this.#target) Atomics.notify(words, 0);
  }
}
