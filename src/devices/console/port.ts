/**
 * The device's end of one port: input goes into the guest's buffers as they come, output goes to the back-end in
 * order. Either side may be slow: input waits for buffers, and output stays in the ring until the back-end took what
 * came before. A reset of the device loses none of the input that the guest has not been given.
 */
import type { Chain, DeviceContext, DeviceQueue } from "../../host/index.ts";
import { type ConsoleSize, rxQueueOf, txQueueOf } from "../../wire/console.ts";
import { plainReason } from "../plain-reason.ts";
import type { ConsoleBackend } from "./backend.ts";

/** A chain may be as long as the driver likes: the back-end gets it in pieces. */
const PIECE_BYTES = 65_536;

export class DevicePort {
  readonly id: number;
  readonly isConsole: boolean;
  readonly backend: ConsoleBackend;
  name: string;
  size: ConsoleSize;
  /** The guest has opened it; without MULTIPORT it is always open. */
  guestOpen = false;
  /** Bytes that the back-end failed to take. */
  lostBytes = 0;
  #context: DeviceContext | undefined;
  /** Input that the guest has not taken. */
  #input: Uint8Array = new Uint8Array(0);
  #inputTaken: () => void = () => {};
  #writing = false;
  #removed = false;

  constructor(
    id: number,
    about: { name: string; size: ConsoleSize; isConsole: boolean; backend: ConsoleBackend },
  ) {
    this.id = id;
    this.name = about.name;
    this.size = about.size;
    this.isConsole = about.isConsole;
    this.backend = about.backend;
    void this.#pumpInput();
  }

  get removed(): boolean {
    return this.#removed;
  }

  /** A handler of the device ran: from now on the port can reach its queues. */
  attach(context: DeviceContext): void {
    this.#context = context;
  }

  /** Puts waiting input into the guest's buffers, as far as they go. */
  serveInput(): void {
    const queue = this.#context?.queues[rxQueueOf(this.id)];
    if (queue === undefined || !this.#context?.busMaster) return;
    do {
      queue.disableNotifications();
      while (this.guestOpen && this.#input.length > 0) {
        const chain = queue.pop();
        if (chain === undefined) break;
        this.#fill(queue, chain);
      }
      queue.flush();
      if (this.#input.length === 0) this.#inputTaken();
      // New buffers are news only while there is something to put into them.
      if (!this.guestOpen || this.#input.length === 0) return;
    } while (queue.enableNotifications());
  }

  /** Hands the back-end what the guest wrote, until it asks for a pause. */
  serveOutput(): void {
    const queue = this.#context?.queues[txQueueOf(this.id)];
    if (queue === undefined || this.#writing) return;
    do {
      queue.disableNotifications();
      for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
        const wait = this.#writeOut(queue, chain, 0);
        if (wait === undefined) continue;
        this.#resumeAfter(queue, wait);
        return;
      }
      queue.flush();
    } while (queue.enableNotifications());
  }

  /** Bytes past the queues: an emergency write. */
  writeDirect(bytes: Uint8Array): void {
    void this.#toBackend(bytes);
  }

  /** The guest's side is gone with the port; what it still writes is lost, and counted. */
  async remove(): Promise<void> {
    this.#removed = true;
    this.#inputTaken();
    await this.backend.close();
  }

  describe() {
    const { id, name, isConsole, guestOpen, lostBytes, backend } = this;
    const { connected } = backend;
    const waitingBytes = this.#input.length;
    return { id, name, isConsole, guestOpen, connected, waitingBytes, lostBytes, ...backend.describe?.() };
  }

  async #pumpInput(): Promise<void> {
    try {
      for await (const piece of this.backend.input) {
        this.#input = piece;
        if (piece.length > 0 && !this.#removed) await this.#offerInput();
        if (this.#removed) return;
      }
    } catch (error) {
      if (!this.#removed) this.#log(`input ended: ${plainReason(error)}`);
    }
  }

  /** Resolves when the guest has taken all of it, or there is no port any more. */
  #offerInput(): Promise<void> {
    return new Promise((resolve) => {
      this.#inputTaken = resolve;
      this.serveInput();
    });
  }

  #fill(queue: DeviceQueue, chain: Chain): void {
    if (chain.writableBytes === 0) {
      const detail = `port ${this.id}: a receive buffer without writable bytes`;
      this.#context?.violated({ kind: "request-format", queue: queue.index, detail });
    }
    const written = chain.write(0, this.#input.subarray(0, chain.writableBytes));
    this.#input = this.#input.subarray(written);
    queue.push(chain, written);
  }

  /** Writes a chain from byte `from` on and returns it; a promise if the back-end needs time. */
  #writeOut(queue: DeviceQueue, chain: Chain, from: number): Promise<void> | undefined {
    for (let at = from; at < chain.readableBytes; at += PIECE_BYTES) {
      // After a reset the memory is the driver's again.
      if (queue.detached) return undefined;
      const bytes = new Uint8Array(Math.min(PIECE_BYTES, chain.readableBytes - at));
      chain.read(at, bytes);
      const wait = this.#toBackend(bytes);
      if (wait !== undefined) return wait.then(() => this.#writeOut(queue, chain, at + PIECE_BYTES));
    }
    queue.push(chain, 0);
    return undefined;
  }

  #resumeAfter(queue: DeviceQueue, wait: Promise<void>): void {
    this.#writing = true;
    const ended = this.#context?.ioStarted();
    void wait.then(() => {
      this.#writing = false;
      queue.flush();
      ended?.();
      this.serveOutput();
    });
  }

  /** Never fails: what the back-end did not take is counted, and the first such time logged. */
  #toBackend(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#removed) return this.#lost(bytes.length, "the port was removed");
    try {
      const wait = this.backend.write(bytes);
      return wait?.catch((error: unknown) => this.#lost(bytes.length, plainReason(error)));
    } catch (error) {
      return this.#lost(bytes.length, plainReason(error));
    }
  }

  #lost(bytes: number, why: string): undefined {
    if (this.lostBytes === 0) this.#log(`output is being lost: ${why}`);
    this.lostBytes += bytes;
  }

  #log(message: string): void {
    this.#context?.log(`port ${this.id}${this.name === "" ? "" : ` (${this.name})`}: ${message}`);
  }
}
