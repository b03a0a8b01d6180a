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

  /** Four bytes of the segments, little-endian; what is not there reads as 0. */
  word(segments: readonly Segment[], skip: number): number {
    const [first] = segments;
    if (first !== undefined && skip + 4 <= first.length) {
      const offset = this.ram.offsetOf(first.address + skip, 4);
      if (offset >= 0 && (offset & 3) === 0) return this.u32(offset);
    }
    let value = 0;
    for (let byte = 3; byte >= 0; byte--) value = value * 256 + this.byte(segments, skip + byte);
    return value;
  }

  byte(segments: readonly Segment[], skip: number): number {
    for (const segment of segments) {
      if (skip < segment.length) {
        const offset = this.ram.offsetOf(segment.address + skip, 1);
        return offset < 0 ? 0 : this.ram.memory.read8(offset, 0);
      }
      skip -= segment.length;
    }
    return 0;
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
