/**
 * Full-speed access: each method is one operation of a `DataView`, of a typed array or of `Atomics`; the site is dropped.
 *
 * It is the DataView that it reads through: in a loop the engine checks the shape of each object on the way at each pass,
 * and this is one where a typed array in a field makes two. Plain writes go through typed arrays all the same, because after
 * a write through a DataView the engine has forgotten all that it knew. Fields are `private` and not `#private`, because it
 * looks the latter's name up and compares it at each access.
 */
import type { Site } from "../wire/sites.ts";
import type { BufferMemory, WaitResult } from "./shared-memory.ts";

const LITTLE_ENDIAN = true;

export class LiveMemory extends DataView<SharedArrayBuffer> implements BufferMemory {
  private readonly u8: Uint8Array;
  private readonly u16: Uint16Array;
  private readonly u32: Uint32Array;
  private readonly i32: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    super(buffer);
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
  }

  read8(offset: number, _site: Site): number {
    return this.getUint8(offset);
  }
  read16(offset: number, _site: Site): number {
    return this.getUint16(offset, LITTLE_ENDIAN);
  }
  read32(offset: number, _site: Site): number {
    return this.getUint32(offset, LITTLE_ENDIAN);
  }
  write8(offset: number, value: number, _site: Site): void {
    this.u8[offset] = value;
  }
  write16(offset: number, value: number, _site: Site): void {
    this.u16[offset >>> 1] = value;
  }
  write32(offset: number, value: number, _site: Site): void {
    this.u32[offset >>> 2] = value;
  }

  load16(offset: number, _site: Site): number {
    return Atomics.load(this.u16, offset >>> 1);
  }
  load32(offset: number, _site: Site): number {
    return Atomics.load(this.u32, offset >>> 2);
  }
  store16(offset: number, value: number, _site: Site): void {
    Atomics.store(this.u16, offset >>> 1, value);
  }
  store32(offset: number, value: number, _site: Site): void {
    Atomics.store(this.u32, offset >>> 2, value);
  }
  add32(offset: number, value: number, _site: Site): number {
    return Atomics.add(this.u32, offset >>> 2, value);
  }
  or32(offset: number, value: number, _site: Site): number {
    return Atomics.or(this.u32, offset >>> 2, value);
  }
  and32(offset: number, value: number, _site: Site): number {
    return Atomics.and(this.u32, offset >>> 2, value);
  }
  exchange32(offset: number, value: number, _site: Site): number {
    return Atomics.exchange(this.u32, offset >>> 2, value);
  }

  wait32(offset: number, expected: number, timeoutMs: number, _site: Site): WaitResult {
    return Atomics.wait(this.i32, offset >>> 2, expected | 0, timeoutMs);
  }
  waitAsync32(
    offset: number,
    expected: number,
    timeoutMs: number,
    _site: Site,
  ): WaitResult | Promise<WaitResult> {
    return Atomics.waitAsync(this.i32, offset >>> 2, expected | 0, timeoutMs).value;
  }
  notify32(offset: number, _site: Site): number {
    return Atomics.notify(this.i32, offset >>> 2);
  }

  readBytes(offset: number, target: Uint8Array, _site: Site): void {
    this.#check(offset, target.length);
    target.set(this.u8.subarray(offset, offset + target.length));
  }
  writeBytes(offset: number, source: Uint8Array, _site: Site): void {
    this.u8.set(source, offset);
  }
  copyWithin(to: number, from: number, length: number, _site: Site): void {
    this.#check(to, length);
    this.#check(from, length);
    this.u8.copyWithin(to, from, from + length);
  }
  fill(offset: number, length: number, value: number, _site: Site): void {
    this.#check(offset, length);
    this.u8.fill(value, offset, offset + length);
  }
  window(offset: number, length: number, _intent: "read" | "write", _site: Site): Uint8Array {
    this.#check(offset, length);
    return this.u8.subarray(offset, offset + length);
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || offset + length > this.byteLength) {
      throw new RangeError(`shared memory: ${length} bytes at ${offset} do not fit in ${this.byteLength}`);
    }
  }
}
