/** One serial line of the PC, seen from its other end: bytes in, and waiting for lines that come out. */
import type { V86 } from "./v86.ts";

const NEWLINE = 10;

export class SerialLine {
  /** Everything that comes, as it comes. */
  onBytes: (bytes: Uint8Array) => void = () => {};
  /** Whole lines, without their end. */
  onLine: (line: string) => void = () => {};
  readonly #emulator: V86;
  readonly #index: number;
  readonly #line: number[] = [];
  #fresh: number[] = [];

  constructor(emulator: V86, index: 0 | 1) {
    this.#emulator = emulator;
    this.#index = index;
    emulator.add_listener(`serial${index}-output-byte`, (byte) => this.#add(byte));
  }

  send(data: string | Uint8Array): void {
    this.#emulator.serial_send_bytes(this.#index, typeof data === "string" ? Buffer.from(data) : data);
  }

  #add(byte: number): void {
    // v86 gives single bytes: hand on what came in one turn of the event loop together.
    if (this.#fresh.length === 0) setImmediate(() => this.#hand());
    this.#fresh.push(byte);
    if (byte !== NEWLINE) {
      this.#line.push(byte);
      return;
    }
    const line = Buffer.from(this.#line).toString();
    this.#line.length = 0;
    this.onLine(line);
  }

  #hand(): void {
    const bytes = Uint8Array.from(this.#fresh);
    this.#fresh = [];
    this.onBytes(bytes);
  }
}
