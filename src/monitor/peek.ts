/** A look at guest RAM by guest-physical address, unseen by either side. Outside RAM reads as nothing. */
import type { Ram } from "../memory/ram.ts";
import { getU16, getU32, getU64 } from "../wire/bytes.ts";
import type { Segment } from "./model.ts";

export class Peek {
  readonly ram: Ram;

  constructor(ram: Ram) {
    this.ram = ram;
  }

  u16(offset: number): number {
    return this.ram.memory.load16(offset, 0);
  }
  u32(offset: number): number {
    return this.ram.memory.read32(offset, 0);
  }

  /** Up to `length` bytes of the segments, one after another, from `skip` on. */
  bytes(segments: readonly Segment[], skip: number, length: number): Uint8Array {
    const found = new Uint8Array(length);
    let done = 0;
    for (const segment of segments) {
      if (done === length) break;
      if (skip >= segment.length) {
        skip -= segment.length;
        continue;
      }
      const part = Math.min(segment.length - skip, length - done);
      const offset = this.ram.offsetOf(segment.address + skip, part);
      if (offset < 0) break;
      this.ram.memory.readBytes(offset, found.subarray(done, done + part), 0);
      done += part;
      skip = 0;
    }
    return found.subarray(0, done);
  }
}

export { getU16, getU32, getU64 };
