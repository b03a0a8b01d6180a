/** Hears of a host worker that has died, unless it was meant to. */
import type { Side } from "./control.ts";

export class HostGone {
  /** Rejects when a host worker dies that nobody killed; never resolves. */
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

  expect(side: object): void {
    this.#expected.add(side);
  }
}
