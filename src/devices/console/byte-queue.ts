/** Bytes put in by one side and iterated over by the other, which waits while there are none. */

export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = [];
  /** Bytes that nobody has taken yet. */
  bytes = 0;
  #ended = false;
  #wake: () => void = () => {};
  #drained: (() => void)[] = [];

  push(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.bytes += bytes.length;
    this.#wake();
  }

  /** Resolves when everything was taken. */
  drained(): Promise<void> {
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** What was pushed before is still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#pieces.shift();
      if (next !== undefined) {
        this.bytes -= next.length;
        yield next;
      } else {
        for (const resolve of this.#drained.splice(0)) resolve();
        if (this.#ended) return;
        await this.#more();
      }
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
