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

  /** A table of at least so many entries; undefined: none is free, and there is no memory for one. */
  take(entries: number): IndirectTable | undefined {
    const last = this.#spare.at(-1);
    if (last !== undefined && last.entries >= entries) return this.#spare.pop();
    const larger = this.#allocate(Math.max(ENTRIES_MIN, 2 ** Math.ceil(Math.log2(entries))));
    if (larger === undefined) return this.#takeAny(entries);
    if (last !== undefined) this.#free(this.#spare.pop() ?? last);
    return larger;
  }

  /** A buffer's, which has come back. After `free` there is nothing to give. */
  give(table: IndirectTable): void {
    if (this.#all.has(table)) this.#spare.push(table);
  }

  #takeAny(entries: number): IndirectTable | undefined {
    const at = this.#spare.findLastIndex((table) => table.entries >= entries);
    return at < 0 ? undefined : this.#spare.splice(at, 1)[0];
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
