/**
 * Follows a descriptor chain, direct or indirect [virtio 1.4, 2.7.5], and appends its segments to a `Chain`. Each
 * descriptor is read once, then checked, then used; what is wrong with it is said once.
 */
import type { Ram } from "../../memory/ram.ts";
import { DESCRIPTOR, DESCRIPTOR_BYTES, DESCRIPTOR_FLAG } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import type { ViolationKind } from "../violation.ts";
import type { Chain } from "./chain.ts";

const READ_DESCRIPTOR = site("device: read descriptor");

const { addressLow: ADDRESS_LOW, addressHigh: ADDRESS_HIGH, length: LENGTH, flags: FLAGS } = DESCRIPTOR;
const { NEXT, WRITE, INDIRECT } = DESCRIPTOR_FLAG;
const DESCRIPTOR_STRIDE = DESCRIPTOR_BYTES;

/** An indirect table may be longer than the queue where the driver does not check (Linux does not); this bounds it. */
const MAX_INDIRECT = 1024;

export interface ChainWalkerOptions {
  readonly ram: Ram;
  /** Entries of the queue's own table. */
  readonly size: number;
  /** INDIRECT_DESC was negotiated. */
  readonly indirect: boolean;
  /** Breaks the queue. */
  readonly malformed: (kind: ViolationKind, detail: string) => false;
}

export class ChainWalker {
  readonly #ram: Ram;
  readonly #size: number;
  readonly #indirect: boolean;
  readonly #malformed: ChainWalkerOptions["malformed"];
  readonly #tableMax: number;
  /** Segments of one chain: the direct ones are bounded by the queue's table, those of an indirect table by this. */
  readonly #segmentsMax: number;

  constructor({ ram, size, indirect, malformed }: ChainWalkerOptions) {
    this.#ram = ram;
    this.#size = size;
    this.#indirect = indirect;
    this.#malformed = malformed;
    this.#tableMax = Math.max(MAX_INDIRECT, size);
    this.#segmentsMax = indirect ? this.#tableMax : size;
  }

  /**
   * Appends the chain whose head, read already, is these words; `table` is the queue's own, a byte offset in RAM. False:
   * it was malformed. `flags` has `next` in its upper half.
   */
  walk(chain: Chain, table: number, low: number, high: number, length: number, flags: number): boolean {
    return this.#follow(chain, table, this.#size, chain.head, low, high, length, flags, false);
  }

  #follow(
    chain: Chain,
    table: number,
    entries: number,
    index: number,
    low: number,
    high: number,
    length: number,
    flags: number,
    indirect: boolean,
  ): boolean {
    const { memory } = this.#ram;
    for (let steps = 1; ; steps++) {
      // Most addresses are below 4 GiB, and a product would make floating point of them all.
      const address = high === 0 ? low : high * 0x1_0000_0000 + low;
      if ((flags & INDIRECT) !== 0) return this.#followIndirect(chain, address, length, flags, indirect);
      const offset = this.#ram.offsetOf(address, length);
      const writable = (flags & WRITE) !== 0;
      if (offset < 0 || chain.segments >= this.#segmentsMax || !chain.append(offset, length, writable)) {
        return this.#badDescriptor(chain, index, offset, address, length);
      }
      if ((flags & NEXT) === 0) return true;
      index = flags >>> 16;
      if (index >= entries) return this.#badChain(chain, "next-range", `names ${index} of ${entries}`);
      if (steps === entries) return this.#badChain(chain, "chain-loop", "has a loop");
      const descriptor = table + DESCRIPTOR_STRIDE * index;
      low = memory.read32(descriptor + ADDRESS_LOW, READ_DESCRIPTOR);
      high = memory.read32(descriptor + ADDRESS_HIGH, READ_DESCRIPTOR);
      length = memory.read32(descriptor + LENGTH, READ_DESCRIPTOR);
      flags = memory.read32(descriptor + FLAGS, READ_DESCRIPTOR);
    }
  }

  #followIndirect(chain: Chain, address: number, length: number, flags: number, nested: boolean): boolean {
    if (nested) return this.#malformed("indirect-nested", "indirect descriptor inside an indirect table");
    if (!this.#indirect) {
      return this.#malformed("indirect-not-negotiated", "indirect descriptor without INDIRECT_DESC");
    }
    if ((flags & NEXT) !== 0) {
      return this.#malformed("indirect-next", "descriptor with both INDIRECT and NEXT");
    }
    const entries = length / DESCRIPTOR_STRIDE;
    if (!Number.isInteger(entries) || entries === 0 || entries > this.#tableMax) {
      return this.#malformed("indirect-length", `indirect table of ${length} bytes`);
    }
    const table = this.#ram.offsetOf(address, length);
    // A table that is not aligned to its fields cannot be read without tearing; 16 is what the layout asks for.
    if (table < 0 || table % 4 !== 0) {
      return this.#malformed(
        "indirect-address",
        `indirect table of ${length} bytes at 0x${address.toString(16)}`,
      );
    }
    const { memory } = this.#ram;
    const low = memory.read32(table + ADDRESS_LOW, READ_DESCRIPTOR);
    const high = memory.read32(table + ADDRESS_HIGH, READ_DESCRIPTOR);
    const bytes = memory.read32(table + LENGTH, READ_DESCRIPTOR);
    const firstFlags = memory.read32(table + FLAGS, READ_DESCRIPTOR);
    return this.#follow(chain, table, entries, 0, low, high, bytes, firstFlags, true);
  }

  #badDescriptor(chain: Chain, index: number, offset: number, address: number, length: number): false {
    if (offset < 0) {
      const where = `0x${address.toString(16)}`;
      return this.#malformed(
        "descriptor-address",
        `descriptor ${index}: ${length} bytes at ${where} lie outside RAM`,
      );
    }
    if (chain.segments >= this.#segmentsMax) {
      return this.#badChain(chain, "chain-length", `has more than ${this.#segmentsMax} elements`);
    }
    return this.#malformed("descriptor-order", `descriptor ${index} is readable after a writable one`);
  }

  #badChain({ head }: Chain, kind: ViolationKind, what: string): false {
    return this.#malformed(kind, `chain of head ${head} ${what}`);
  }
}
