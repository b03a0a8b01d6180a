/** Both ends of the bus with somebody who watches: every access in the order that this end sees, with its answer. */
import type { PortBus, PortHandler, Width } from "./port-bus.ts";

export interface BusAccess {
  readonly space: "port" | "memory";
  readonly write: boolean;
  readonly address: number;
  readonly width: Width;
  readonly value: number;
  /** Milliseconds on this thread's clock: when it began. It is told when it has ended. */
  readonly began: number;
}

/** What the thread that serves the bus tells the host's other threads, where somebody watches them. Plain data. */
export type BusNews =
  | { readonly kind: "access"; readonly access: BusAccess }
  /** A slot was filled or emptied. */
  | { readonly kind: "slot"; readonly slot: number };

/** Writes are told before they are made, reads after. */
export type BusWatcher = (access: BusAccess) => void;

/** The guest's end. */
export class WatchedBus implements PortBus {
  readonly #bus: PortBus;
  readonly #watch: BusWatcher;

  constructor(bus: PortBus, watch: BusWatcher) {
    this.#bus = bus;
    this.#watch = watch;
  }

  in(address: number, width: Width): number {
    const began = performance.now();
    const value = this.#bus.in(address, width);
    this.#watch({ space: "port", write: false, address, width, value, began });
    return value;
  }
  out(address: number, width: Width, value: number): void {
    this.#watch({ space: "port", write: true, address, width, value, began: performance.now() });
    this.#bus.out(address, width, value);
  }
  mmioRead(address: number, width: Width): number {
    const began = performance.now();
    const value = this.#bus.mmioRead(address, width);
    this.#watch({ space: "memory", write: false, address, width, value, began });
    return value;
  }
  mmioWrite(address: number, width: Width, value: number): void {
    this.#watch({ space: "memory", write: true, address, width, value, began: performance.now() });
    this.#bus.mmioWrite(address, width, value);
  }
}

/** The host's end. */
export class WatchedHandler implements PortHandler {
  readonly #bus: WatchedBus;

  constructor(handler: PortHandler, watch: BusWatcher) {
    const bus: PortBus = {
      in: (address, width) => handler.portRead(address, width),
      out: (address, width, value) => handler.portWrite(address, width, value),
      mmioRead: (address, width) => handler.mmioRead(address, width),
      mmioWrite: (address, width, value) => handler.mmioWrite(address, width, value),
    };
    this.#bus = new WatchedBus(bus, watch);
  }

  portRead(port: number, width: Width): number {
    return this.#bus.in(port, width);
  }
  portWrite(port: number, width: Width, value: number): void {
    this.#bus.out(port, width, value);
  }
  mmioRead(address: number, width: Width): number {
    return this.#bus.mmioRead(address, width);
  }
  mmioWrite(address: number, width: Width, value: number): void {
    this.#bus.mmioWrite(address, width, value);
  }
}
