/** Frames for `for await`: copies, in order. A reader that falls behind holds the receive queues back. */

const BACKLOG_MAX = 256;

export class FrameIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #backlog: Uint8Array[] = [];
  readonly #waiting: ((result: IteratorResult<Uint8Array>) => void)[] = [];
  readonly #onRoom: () => void;
  readonly #onEnd: (iterator: FrameIterator) => void;
  #ended = false;

  constructor(onRoom: () => void, onEnd: (iterator: FrameIterator) => void) {
    this.#onRoom = onRoom;
    this.#onEnd = onEnd;
  }

  get full(): boolean {
    return this.#backlog.length >= BACKLOG_MAX;
  }

  push(frame: Uint8Array): void {
    const value = frame.slice();
    const taker = this.#waiting.shift();
    if (taker === undefined) this.#backlog.push(value);
    else taker({ value, done: false });
  }

  /** What came before can still be read. */
  end(): void {
    this.#ended = true;
    for (const taker of this.#waiting.splice(0)) taker({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const wasFull = this.full;
    const value = this.#backlog.shift();
    if (wasFull) this.#onRoom();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#backlog.length = 0;
    this.end();
    this.#onEnd(this);
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
