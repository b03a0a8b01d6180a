/** Plain stores of one thread that nobody else sees yet, oldest first. */
import type { Site } from "../../wire/sites.ts";

export interface DelayedStore {
  readonly width: 1 | 2 | 4;
  readonly offset: number;
  readonly value: number;
  readonly site: Site;
}

export class Delayed {
  readonly #stores: DelayedStore[] = [];

  get count(): number {
    return this.#stores.length;
  }
  add(store: DelayedStore): void {
    this.#stores.push(store);
  }
  take(index: number): DelayedStore | undefined {
    return this.#stores.splice(index, 1)[0];
  }
  /** The oldest one that touches the range. */
  takeAt(offset: number, bytes: number): DelayedStore | undefined {
    const index = this.#stores.findIndex(
      (store) => store.offset < offset + bytes && offset < store.offset + store.width,
    );
    return index < 0 ? undefined : this.take(index);
  }
  clear(): void {
    this.#stores.length = 0;
  }
}
