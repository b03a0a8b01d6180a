/** Reads a file front to back in pieces of the size that is asked for. */
import type { FileHandle } from "node:fs/promises";

const CHUNK_BYTES = 1 << 18;

export class ByteSource {
  /** Bytes handed out so far. */
  position = 0;
  readonly #file: FileHandle;
  #buffer: Uint8Array = new Uint8Array(0);
  #ended = false;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Exactly so many bytes, or fewer at the end of the file. A view, good until the next call. */
  async read(bytes: number): Promise<Uint8Array> {
    const ready = this.tryRead(bytes);
    if (ready !== undefined) return ready;
    while (this.#buffer.length < bytes && !this.#ended) await this.#fill(bytes);
    return this.#take(Math.min(bytes, this.#buffer.length));
  }

  /** The bytes if they are in memory already: saves a promise for nearly every record. */
  tryRead(bytes: number): Uint8Array | undefined {
    return this.#buffer.length >= bytes ? this.#take(bytes) : undefined;
  }

  #take(bytes: number): Uint8Array {
    const taken = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes);
    this.position += bytes;
    return taken;
  }

  async #fill(wanted: number): Promise<void> {
    const grown = new Uint8Array(this.#buffer.length + Math.max(CHUNK_BYTES, wanted));
    grown.set(this.#buffer);
    const { bytesRead } = await this.#file.read(
      grown,
      this.#buffer.length,
      grown.length - this.#buffer.length,
    );
    this.#ended = bytesRead === 0;
    this.#buffer = grown.subarray(0, this.#buffer.length + bytesRead);
  }
}
