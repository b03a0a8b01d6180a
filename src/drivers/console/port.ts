/** One port of a console, for people: bytes in and out, in order, without frames. */
import type { ConsoleSize } from "../../wire/console.ts";
import { notBytes } from "../arguments.ts";
import { CancelledError } from "../errors.ts";
import type { Input } from "./input.ts";
import type { Output } from "./output.ts";

/** What a port needs of its console. */
export interface PortOwner {
  /** Tells the host that the guest has opened or closed the port. */
  tellOpen(port: number, open: boolean): void;
}

export class ConsolePort implements AsyncIterable<Uint8Array> {
  readonly id: number;
  /** "" until the host has named it. */
  name = "";
  /** Fit for a terminal: the host said so. */
  isConsole = false;
  /** Of the terminal behind it, where that is known. */
  size: ConsoleSize | undefined;
  onResize: (size: ConsoleSize) => void = () => {};
  /** Called when somebody appears at the host's end, or leaves. */
  onHostOpen: (open: boolean) => void = () => {};
  readonly #owner: PortOwner;
  readonly #input: Input;
  readonly #output: Output;
  readonly #readers: ((data: Uint8Array | undefined) => void)[] = [];
  /** Input left when the port went away: still the reader's. */
  readonly #leftOver: Uint8Array[] = [];
  #open = false;
  #hostOpen = false;
  #gone: string | undefined;

  constructor(id: number, owner: PortOwner, input: Input, output: Output) {
    this.id = id;
    this.#owner = owner;
    this.#input = input;
    this.#output = output;
  }

  /** Whether the guest has it open. */
  get isOpen(): boolean {
    return this.#open;
  }
  /** Whether somebody is at the host's end. Writes wait until then. */
  get hostOpen(): boolean {
    return this.#hostOpen;
  }
  get removed(): boolean {
    return this.#gone !== undefined;
  }
  /** Somebody waits for input, which may never come. */
  get awaitsInput(): boolean {
    return this.#readers.length > 0;
  }

  /** The host sends nothing before. Reading and writing open it too. */
  open(): void {
    if (this.#open || this.removed) return;
    this.#open = true;
    this.#owner.tellOpen(this.id, true);
  }
  close(): void {
    if (!this.#open || this.removed) return;
    this.#open = false;
    this.#owner.tellOpen(this.id, false);
  }

  /** Resolves when the host has taken all of it. */
  write(data: Uint8Array | string): Promise<void> {
    if (this.#gone !== undefined) return Promise.reject(new CancelledError(this.#gone));
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const problem = notBytes("data", bytes);
    if (problem !== undefined) return Promise.reject(problem);
    this.open();
    return this.#output.write(bytes);
  }

  /** The next piece of input, as it came; undefined: the port is gone. */
  read(): Promise<Uint8Array | undefined> {
    this.open();
    const data = this.#leftOver.shift() ?? this.#takeInput();
    if (data !== undefined || this.removed) return Promise.resolve(data);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Input until the port is gone. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let data = await this.read(); data !== undefined; data = await this.read()) yield data;
  }

  /** For the driver: input has arrived. */
  inputArrived(): void {
    while (this.#readers.length > 0) {
      const data = this.#takeInput();
      if (data === undefined) return;
      this.#readers.shift()?.(data);
    }
  }

  /** For the driver: the host's end was opened or closed. */
  setHostOpen(open: boolean): void {
    if (this.#hostOpen === open) return;
    this.#hostOpen = open;
    this.#output.pause(!open);
    this.onHostOpen(open);
  }

  /** For the driver. */
  resize(size: ConsoleSize): void {
    if (this.size?.cols === size.cols && this.size.rows === size.rows) return;
    this.size = size;
    this.onResize(size);
  }

  /** For the driver: the port is no more. */
  remove(reason: string): void {
    if (this.#gone !== undefined) return;
    const next = () => this.#input.take(false);
    for (let data = next(); data !== undefined; data = next()) this.#leftOver.push(data);
    this.#gone = reason;
    this.#output.cancel(new CancelledError(reason));
    for (const resolve of this.#readers.splice(0)) resolve(undefined);
  }

  #takeInput(): Uint8Array | undefined {
    return this.removed ? undefined : this.#input.take();
  }
}
