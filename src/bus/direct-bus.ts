/** The bus as plain calls, for both sides in one thread: unit tests and stepping. */
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
    return this.#handler.portRead(port, width);
  }
  out(port: number, width: Width, value: number): void {
    if (width === 2 && this.#kicks?.tryKick(port, value)) return;
    this.#handler.portWrite(port, width, value);
  }
  mmioRead(address: number, width: Width): number {
    return this.#handler.mmioRead(address, width);
  }
  mmioWrite(address: number, width: Width, value: number): void {
    this.#handler.mmioWrite(address, width, value);
  }
}
