/** The indirect tables of a queue's heads: each is kept from request to request and grows when it has to. */
import { DESCRIPTOR_BYTES } from "../../wire/ring.ts";
import type { TableAllocator } from "./driver-queue-options.ts";

const ENTRIES_MIN = 4;

export class IndirectTables {
  readonly #allocator: TableAllocator;
  /** By head; 0 entries: it has no table. */
  readonly #addresses: number[] = [];
  readonly #entries: number[] = [];

  constructor(allocator: TableAllocator) {
    this.#allocator = allocator;
  }

  /** Guest-physical address of a table of at least so many entries for `head`; undefined: there is no memory for it. */
  of(head: number, entries: number): number | undefined {
    if ((this.#entries[head] ?? 0) >= entries) return this.#addresses[head];
    const capacity = Math.max(ENTRIES_MIN, 2 ** Math.ceil(Math.log2(entries)));
    const address = this.#allocator.allocate(DESCRIPTOR_BYTES * capacity);
    if (address === undefined) return undefined;
    this.#free(head);
    this.#addresses[head] = address;
    this.#entries[head] = capacity;
    return address;
  }

  /** All of them. */
  free(): void {
    for (const head of this.#entries.keys()) this.#free(head);
  }

  #free(head: number): void {
    const entries = this.#entries[head] ?? 0;
    if (entries === 0) return;
    this.#allocator.free(this.#addresses[head] ?? 0, DESCRIPTOR_BYTES * entries);
    this.#entries[head] = 0;
  }
}
