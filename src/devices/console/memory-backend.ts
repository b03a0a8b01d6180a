/** A port that ends in the host's memory: keeps what the guest wrote, and gives it input when told, or its echo. */
import type { ConsoleBackend } from "./backend.ts";
import { ByteQueue } from "./byte-queue.ts";

/** What the guest wrote is kept up to this; the oldest goes first, and is counted. */
const KEPT_BYTES_MAX = 1 << 20;

/** An echo that the guest does not read holds it up beyond this. */
const ECHO_BYTES_MAX = 1 << 20;

export class MemoryBackend implements ConsoleBackend {
  readonly input = new ByteQueue();
  connected = true;
  onConnection: (connected: boolean) => void = () => {};
  /** Of what the guest wrote, bytes that had to make room for later ones. */
  forgottenBytes = 0;
  readonly #echo: boolean;
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;

  constructor(echo = false) {
    this.#echo = echo;
  }

  setConnected(connected: boolean): void {
    this.connected = connected;
    this.onConnection(connected);
  }

  /** What the guest wrote: all of it, or its last part. */
  get output(): Uint8Array {
    return Buffer.concat(this.#kept);
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
    while (this.#keptBytes > KEPT_BYTES_MAX && this.#kept.length > 1) {
      const oldest = this.#kept.shift()?.length ?? 0;
      this.#keptBytes -= oldest;
      this.forgottenBytes += oldest;
    }
    if (!this.#echo) return;
    this.input.push(bytes);
    // A guest that only writes does not fill the host's memory with its echo.
    if (this.input.bytes > ECHO_BYTES_MAX) return this.input.drained();
  }

  close(): void {
    this.input.end();
  }

  describe() {
    return { backend: "memory", keptBytes: this.#keptBytes, forgottenBytes: this.forgottenBytes };
  }
}
