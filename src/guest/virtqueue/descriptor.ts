/**
 * What the driver knows of an entry of the descriptor table: its place in the free list or in a chain, what the table says
 * of it, and, where it is a head, the buffer. The device cannot reach any of it.
 */
import type { SharedMemory } from "../../memory/shared-memory.ts";
import { DESCRIPTOR } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import type { IndirectTable } from "./indirect-tables.ts";

const WRITE = site("driver: write descriptor");

const { addressLow: ADDRESS_LOW, addressHigh: ADDRESS_HIGH, length: LENGTH, flags: FLAGS } = DESCRIPTOR;

/** `flags` of a descriptor that was never written. */
const UNWRITTEN = -1;

export class Descriptor {
  readonly index: number;
  /** Byte offset in RAM. */
  readonly at: number;
  /** What follows in the free list, or in the chain; of the last one of either it says nothing. */
  next: Descriptor;
  /** As the table has it; `flags` with the index of the next descriptor in its upper half, which are one word. */
  address = UNWRITTEN;
  length = UNWRITTEN;
  flags = UNWRITTEN;
  /** Of a head: descriptors of its chain; 0: the device does not have it. */
  chainLength = 0;
  /** Of a head: bytes that the device may write. */
  writableBytes = 0;
  /** Of a head: where its segments are, if not here. */
  table: IndirectTable | undefined = undefined;
  /** Of a head: the caller's name for the buffer. */
  token: unknown = undefined;

  constructor(index: number, at: number) {
    this.index = index;
    this.at = at;
    this.next = this;
  }

  /** Makes the table say this: writes what differs. */
  write(memory: SharedMemory, address: number, length: number, flags: number): void {
    const { at } = this;
    if (this.address !== address) {
      this.address = address;
      writeAddress(memory, at, address);
    }
    if (this.length !== length) {
      this.length = length;
      memory.write32(at + LENGTH, length, WRITE);
    }
    if (this.flags !== flags) {
      this.flags = flags;
      memory.write32(at + FLAGS, flags, WRITE);
    }
  }
}

/** Writes a descriptor of which nothing is known; `flags` as there. */
export function writeDescriptor(
  memory: SharedMemory,
  at: number,
  address: number,
  length: number,
  flags: number,
): void {
  writeAddress(memory, at, address);
  memory.write32(at + LENGTH, length, WRITE);
  memory.write32(at + FLAGS, flags, WRITE);
}

function writeAddress(memory: SharedMemory, at: number, address: number): void {
  // Most addresses are below 4 GiB, and a division would make floating point of them all.
  const high = address === address >>> 0 ? 0 : Math.floor(address / 0x1_0000_0000);
  memory.write32(at + ADDRESS_LOW, address, WRITE);
  memory.write32(at + ADDRESS_HIGH, high, WRITE);
}

/** A table of `size` descriptors, `stride` bytes apart from `offset` on, linked in order. */
export function descriptorTable(size: number, offset: number, stride: number): Descriptor[] {
  const table = Array.from({ length: size }, (_, index) => new Descriptor(index, offset + stride * index));
  for (const [index, descriptor] of table.entries()) descriptor.next = table[index + 1] ?? descriptor;
  return table;
}
