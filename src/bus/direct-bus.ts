/**
 * The bus as plain calls, for both sides in one thread: unit tests and stepping. Values are unsigned 32-bit words,
 * as they are after a trip through shared memory.
 */
import type { KickSender } from "./kick.ts";
import type { PortBus, PortHandler, Width } from "./port-bus.ts";

export class DirectBus implements PortBus {
  readonly #handler: PortHandler;
  readonly #kicks: KickSender | undefined;

  /** With a kick sender, notify writes take the fast path, as they do through the mailbox. */
  constructor(handler: PortHandler, kicks?: KickSender) {
    this.#handler = handler;
    this.#kicks = kicks;
  }

  in(port: number, width: Width): number {
    return this.#handler.portRead(port, width) >>> 0;
  }
  out(port: number, width: Width, value: number): void {
    if (width === 2 && this.#kicks?.tryKick(port, value)) return;
    this.#handler.portWrite(port, width, value >>> 0);
  }
  mmioRead(address: number, width: Width): number {
    return this.#handler.mmioRead(address, width) >>> 0;
  }
  mmioWrite(address: number, width: Width, value: number): void {
    this.#handler.mmioWrite(address, width, value >>> 0);
  }
}
