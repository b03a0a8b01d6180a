/**
 * QEMU's qtest protocol over a pair of FIFOs, synchronously: a command is a line out, its reply a line in. Writes are
 * posted: their replies are collected by the next command that wants an answer. `IRQ raise N` and
 * `IRQ lower N` may stand before any reply; they go to the listener as they are met.
 */
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { CounterpartGoneError } from "../../bus/port-bus.ts";

/** Posted commands without a reply yet: beyond this many the next one waits for all of them. */
const POSTED_MAX = 64;
const READ_BYTES = 16_384;
const OPEN_RETRY_MS = 5;
const INTERRUPT = /^IRQ (raise|lower) (\d+)$/;

/** QEMU refused a command: a bug of ours. */
export class QtestError extends Error {
  override readonly name = "QtestError";
}

export type IrqListener = (irq: number, level: boolean) => void;

export class QtestChannel {
  onIrq: IrqListener = () => undefined;
  readonly #out: number;
  readonly #in: number;
  /** The same FIFO, read without blocking: for a look whether anything has come. */
  readonly #look: number;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #rest = "";
  #posted = 0;
  #reply: string | undefined;

  /** Waits for QEMU to open its ends of `<path>.in` and `<path>.out`, at most until the deadline. */
  static async open(path: string, deadlineMs: number): Promise<QtestChannel> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const probe = tryOpenWriter(`${path}.in`);
      if (probe !== undefined) {
        const out = openSync(`${path}.in`, constants.O_WRONLY);
        closeSync(probe);
        return new QtestChannel(out, `${path}.out`);
      }
      if (performance.now() >= end)
        throw new CounterpartGoneError(`QEMU did not start within ${deadlineMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, OPEN_RETRY_MS));
    }
  }

  private constructor(out: number, inPath: string) {
    this.#out = out;
    this.#in = openSync(inPath, constants.O_RDONLY);
    this.#look = openSync(inPath, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** Sends a command and returns what stands behind `OK` in its reply. Blocks. */
  ask(command: string): string {
    this.#write(command);
    this.#posted++;
    while (this.#posted > 0) this.#take(this.#in);
    return this.#reply ?? "";
  }

  askNumber(command: string): number {
    return Number(this.ask(command)) >>> 0;
  }

  /** Sends a command whose answer does not matter and does not wait for it. */
  post(command: string): void {
    if (this.#posted >= POSTED_MAX) this.ask(command);
    else {
      this.#write(command);
      this.#posted++;
    }
  }

  /** Takes what has come without waiting for more. */
  drain(): void {
    try {
      this.#take(this.#look);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }

  close(): void {
    for (const descriptor of [this.#out, this.#in, this.#look]) closeSync(descriptor);
  }

  #write(command: string): void {
    try {
      writeSync(this.#out, `${command}\n`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EPIPE") throw gone();
      throw error;
    }
  }

  #take(descriptor: number): void {
    const bytes = readSync(descriptor, this.#buffer, 0, READ_BYTES, null);
    if (bytes === 0) throw gone();
    const lines = (this.#rest + this.#buffer.toString("latin1", 0, bytes)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    const interrupt = INTERRUPT.exec(line);
    if (interrupt !== null) {
      this.onIrq(Number(interrupt[2]), interrupt[1] === "raise");
      return;
    }
    if (!line.startsWith("OK")) throw new QtestError(`QEMU's qtest answered: ${line}`);
    this.#posted--;
    this.#reply = line.slice(3);
  }
}

const gone = (): CounterpartGoneError => new CounterpartGoneError("QEMU has ended");

/** Undefined: nobody has the other end open yet. */
function tryOpenWriter(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENXIO") return undefined;
    throw error;
  }
}
