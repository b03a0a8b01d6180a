/**
 * A port's receive queue: a few buffers, always the device's except while they hold input that nobody has read. So a
 * reader that is slow holds the sender up, and nothing is lost.
 */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import { ProbeError } from "../../guest/probe-error.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";

export interface Buffer {
  readonly address: number;
  bytes: number;
}

export class Input {
  readonly #memory: GuestMemory;
  readonly #queue: DriverQueue<Buffer>;
  readonly #base: number;
  readonly #bufferBytes: number;
  readonly #bytesAll: number;
  /** Buffers that the device does not have, because their port is not there. */
  readonly #idle: Buffer[] = [];
  /** Buffers with input, in order. */
  readonly #filled: Buffer[] = [];

  constructor(memory: GuestMemory, queue: DriverQueue<Buffer>, shape: { buffers: number; bytes: number }) {
    const count = Math.min(shape.buffers, queue.size);
    const base = memory.allocate(count * shape.bytes);
    if (base === undefined) throw new ProbeError("ENOMEM", `no guest memory for ${count} console buffers`);
    this.#memory = memory;
    this.#queue = queue;
    this.#base = base;
    this.#bufferBytes = shape.bytes;
    this.#bytesAll = count * shape.bytes;
    for (let address: number = base; address < base + this.#bytesAll; address += shape.bytes) {
      this.#idle.push({ address, bytes: 0 });
    }
  }

  /** Gives the device every buffer that it does not have. */
  stock(): void {
    for (let buffer = this.#idle.pop(); buffer !== undefined; buffer = this.#idle.pop()) this.#offer(buffer);
    this.#queue.kick();
  }

  /** The interrupt. True: there is something to read, or the queue is broken. */
  collect(): boolean {
    do {
      this.#queue.disableCallbacks();
      for (let buffer = this.#queue.get(); buffer !== undefined; buffer = this.#queue.get()) {
        buffer.bytes = this.#queue.lastLength;
        this.#filled.push(buffer);
      }
      if (this.#queue.broken !== undefined) return true;
    } while (!this.#queue.enableCallbacks());
    return this.#filled.length > 0;
  }

  get broken(): string | undefined {
    return this.#queue.broken;
  }

  /** The next piece of input; its buffer goes back to the device, or is kept for a port that comes later. */
  take(restock = true): Uint8Array | undefined {
    for (let buffer = this.#filled.shift(); buffer !== undefined; buffer = this.#filled.shift()) {
      const data = new Uint8Array(buffer.bytes);
      this.#memory.read(buffer.address, data);
      if (restock) {
        this.#offer(buffer);
        this.#queue.kick();
      } else this.#idle.push(buffer);
      if (data.length > 0) return data;
    }
    return undefined;
  }

  /** After a reset. */
  destroy(): void {
    while (this.#queue.detachUnused() !== undefined);
    this.#memory.free(this.#base, this.#bytesAll);
  }

  #offer(buffer: Buffer): void {
    // There are no more buffers than descriptors: only a broken queue refuses one.
    if (!this.#queue.addInbuf(buffer.address, this.#bufferBytes, buffer)) this.#idle.push(buffer);
  }
}
