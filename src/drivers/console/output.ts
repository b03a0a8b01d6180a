/** A transmit queue: pieces of what was written, in order, as far as the ring and guest memory have room. */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { refusal } from "../errors.ts";

/** Longer writes go out as several buffers: there is no framing to keep. */
const PIECE_BYTES = 16_384;

export interface Piece {
  data: Uint8Array | undefined;
  readonly bytes: number;
  address: number;
  done(error?: Error): void;
}

export class Output {
  readonly #memory: GuestMemory;
  readonly #queue: DriverQueue<Piece>;
  readonly #waiting: Piece[] = [];
  readonly #inFlight = new Set<Piece>();
  /** Nothing is sent while the other end is closed. */
  #paused = false;

  constructor(memory: GuestMemory, queue: DriverQueue<Piece>) {
    this.#memory = memory;
    this.#queue = queue;
  }

  get outstanding(): number {
    return this.#waiting.length + this.#inFlight.size;
  }

  /** Resolves when the device has taken all of it. */
  write(data: Uint8Array): Promise<void> {
    const pieces: Promise<void>[] = [];
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      pieces.push(this.#enqueue(data.slice(at, at + PIECE_BYTES)));
    }
    this.#start();
    return Promise.all(pieces).then(() => undefined);
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) this.#start();
  }

  /** The interrupt. */
  collect(): void {
    do {
      this.#queue.disableCallbacks();
      for (let piece = this.#queue.get(); piece !== undefined; piece = this.#queue.get()) {
        this.#free(piece);
        piece.done();
      }
      if (this.#queue.broken !== undefined) {
        this.cancel(new Error(this.#queue.broken));
        return;
      }
    } while (!this.#queue.enableCallbacks());
    this.#start();
  }

  /** Nobody waits any more; what the device still has stays its own until it gives it back or is reset. */
  cancel(error: Error): void {
    for (const piece of [...this.#inFlight, ...this.#waiting.splice(0)]) piece.done(error);
  }

  /** After a reset. */
  destroy(): void {
    for (let left = this.#queue.detachUnused(); left !== undefined; left = this.#queue.detachUnused()) {
      this.#free(left);
    }
  }

  #enqueue(data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => (error === undefined ? resolve() : reject(error));
      this.#waiting.push({ data, bytes: data.length, address: 0, done });
    });
  }

  #start(): void {
    while (!this.#paused && this.#waiting.length > 0) {
      const piece = this.#waiting[0];
      if (piece === undefined || !this.#send(piece)) break;
      this.#waiting.shift();
    }
    this.#queue.kick();
    // With nothing in flight nothing will come back to try again after.
    if (this.#queue.inFlight > 0 || this.#paused || this.#waiting.length === 0) return;
    this.cancel(refusal(this.#queue, `no guest memory to write ${this.#waiting[0]?.bytes} bytes`));
  }

  #send(piece: Piece): boolean {
    const address = this.#memory.allocate(piece.bytes);
    if (address === undefined) return false;
    piece.address = address;
    this.#memory.write(address, piece.data ?? new Uint8Array(0));
    if (!this.#queue.addOutbuf(address, piece.bytes, piece)) {
      this.#memory.free(address, piece.bytes);
      return false;
    }
    piece.data = undefined;
    this.#inFlight.add(piece);
    return true;
  }

  #free(piece: Piece): void {
    this.#inFlight.delete(piece);
    this.#memory.free(piece.address, piece.bytes);
  }
}
