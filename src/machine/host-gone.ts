/** Hears of a host worker that has died, unless it was meant to, or that has given up. */
import type { Side } from "./control.ts";
import { MachineError } from "./fault.ts";
import type { Fault, HostService } from "./protocol.ts";

export class HostGone {
  /** Rejects when a host worker dies that nobody killed, or fails; never resolves. */
  readonly promise: Promise<never>;
  #reject: (error: unknown) => void = () => {};
  readonly #expected = new WeakSet<object>();

  constructor() {
    this.promise = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.promise.catch(() => undefined);
  }

  watch(side: Pick<Side<unknown>, "gone">): void {
    side.gone.catch((error) => {
      if (!this.#expected.has(side)) this.#reject(error);
    });
  }

  /** After it was started. */
  watchFailure(side: Side<HostService>): void {
    const failure = side.service.failure() as Promise<Fault>;
    failure.then((fault) => this.#reject(new MachineError(fault))).catch(() => undefined);
  }

  expect(side: object): void {
    this.#expected.add(side);
  }
}
