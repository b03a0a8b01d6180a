/**
 * Pages of guest RAM that the guest has given away: a balloon holds them. What the guest's drivers or other devices
 * then do with such a page is a breach, found where a queue takes a chain or gives one back. While no balloon holds
 * a page that costs one comparison for each chain.
 */
import { PAGE_SHIFT } from "../wire/numbers.ts";

export class HeldPages {
  /** Pages held now, by all balloons. */
  count = 0;
  /** Grows whenever a page is taken: a chain checked before is to be checked again. */
  changes = 0;
  /** Whose each page of RAM is: 0 or a holder's number. Made when the first page is taken. */
  #owners: Uint8Array | undefined;
  readonly #pages: number;
  /** By holder's number less one; undefined: free for the next. */
  readonly #settle: ((() => void) | undefined)[] = [];

  constructor(ramBytes: number) {
    this.#pages = ramBytes >>> PAGE_SHIFT;
  }

  /**
   * A new holder. `settle` serves the returns that the driver has published: where it need not wait for an answer it
   * may use a page right after.
   */
  holder(settle: () => void): PageHolder {
    const free = this.#settle.indexOf(undefined);
    const at = free < 0 ? this.#settle.length : free;
    this.#settle[at] = settle;
    return new PageHolder(this, at + 1);
  }

  /** Serves every return that a driver has published: a page of one balloon may be another's by then. */
  settleAll(): void {
    for (const settle of this.#settle) settle?.();
  }

  /** The first page held of those that `bytes` at a RAM offset touch, or -1. */
  find(offset: number, bytes: number): number {
    if (this.count === 0 || this.#look(offset, bytes) < 0) return -1;
    this.settleAll();
    return this.#look(offset, bytes);
  }

  owner(page: number): number {
    return this.#owners?.[page] ?? 0;
  }

  /** For holders. */
  setOwner(page: number, owner: number): void {
    this.#owners ??= new Uint8Array(this.#pages);
    this.#owners[page] = owner;
    this.count += owner === 0 ? -1 : 1;
    if (owner !== 0) this.changes++;
  }

  /** For holders: one is no more. */
  forget(owner: number): void {
    this.#settle[owner - 1] = undefined;
  }

  /** For holders. */
  releaseAll(owner: number): void {
    this.#owners?.forEach((current, page) => {
      if (current === owner) this.setOwner(page, 0);
    });
  }

  #look(offset: number, bytes: number): number {
    const last = Math.min(this.#pages - 1, Math.floor((offset + bytes - 1) / 2 ** PAGE_SHIFT));
    for (let page = offset >>> PAGE_SHIFT; page <= last; page++) if (this.owner(page) !== 0) return page;
    return -1;
  }
}

/** One balloon's pages, by their number within RAM. */
export class PageHolder {
  count = 0;
  readonly #all: HeldPages;
  readonly #number: number;

  constructor(all: HeldPages, number: number) {
    this.#all = all;
    this.#number = number;
  }

  /** False: somebody holds it, and has not published its return. */
  take(page: number): boolean {
    if (this.#all.owner(page) !== 0) this.#all.settleAll();
    if (this.#all.owner(page) !== 0) return false;
    this.#all.setOwner(page, this.#number);
    this.count++;
    return true;
  }

  /** False: it is not this holder's. */
  give(page: number): boolean {
    if (this.#all.owner(page) !== this.#number) return false;
    this.#all.setOwner(page, 0);
    this.count--;
    return true;
  }

  giveAll(): void {
    if (this.count > 0) this.#all.releaseAll(this.#number);
    this.count = 0;
  }

  /** The balloon is taken out of the machine; its number is for the next. */
  close(): void {
    this.giveAll();
    this.#all.forget(this.#number);
  }
}
