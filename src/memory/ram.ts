/**
 * Guest RAM: shared bytes that appear to both sides at guest-physical addresses [base, base + size).
 * The base is not zero, so an offset is never a valid address by luck.
 */
import { type GuestAddress, guestAddress } from "../wire/numbers.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** One MiB: where a PC's usable memory begins as well. */
export const DEFAULT_RAM_BASE = 0x10_0000;

export class Ram {
  readonly memory: SharedMemory;
  readonly base: GuestAddress;
  readonly size: number;

  constructor(memory: SharedMemory, base: number = DEFAULT_RAM_BASE) {
    this.memory = memory;
    this.base = guestAddress(base);
    this.size = memory.byteLength;
  }

  /** Offset of `length` bytes at a guest-physical address, or -1 if any of them lies outside RAM. */
  offsetOf(address: number, length: number): number {
    const offset = address - this.base;
    return offset >= 0 && offset + length <= this.size ? offset : -1;
  }

  addressOf(offset: number): GuestAddress {
    return guestAddress(this.base + offset);
  }
}
