/**
 * The indirect tables of a queue. A buffer has one while the device has the buffer; then it is kept for the next one, the
 * last first, and grows when it has to: there are as many as buffers were ever out at once.
 */
import { DESCRIPTOR_BYTES } from "../../wire/ring.ts";
import type { TableAllocator } from "./driver-queue-options.ts";

const ENTRIES_MIN = 4;

export interface IndirectTable {
  /** Guest-physical. */
  readonly address: number;
  /** How many descriptors it has room for. */
  readonly entries: number;
}

export class IndirectTables {
  readonly #allocator: TableAllocator;
  readonly #all = new Set<IndirectTable>();
  readonly #spare: IndirectTable[] = [];

  constructor(allocator: TableAllocator) {
    this.#allocator = allocator;
  }

  /** A table of at least so many entries; undefined: there is no memory for it. */
  take(entries: number): IndirectTable | undefined {
    const spare = this.#spare.pop();
    if (spare !== undefined && spare.entries >= entries) return spare;
    const table = this.#allocate(Math.max(ENTRIES_MIN, 2 ** Math.ceil(Math.log2(entries))));
    if (spare !== undefined && table === undefined) this.#spare.push(spare);
    else if (spare !== undefined) this.#free(spare);
    return table;
  }

  give(table: IndirectTable): void {
    this.#spare.push(table);
  }

  /** All of them, those of buffers too. */
  free(): void {
    for (const table of this.#all) this.#free(table);
    this.#spare.length = 0;
  }

  #allocate(entries: number): IndirectTable | undefined {
    const address = this.#allocator.allocate(DESCRIPTOR_BYTES * entries);
    if (address === undefined) return undefined;
    const table = { address, entries };
    this.#all.add(table);
    return table;
  }

  #free(table: IndirectTable): void {
    this.#allocator.free(table.address, DESCRIPTOR_BYTES * table.entries);
    this.#all.delete(table);
  }
}
