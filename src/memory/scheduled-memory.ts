/**
 * Shared memory under a scheduler: each access first asks the gate, which may let other actors go first. Only the
 * holder of the baton gets through, so the accesses themselves are plain: every interleaving is sequentially
 * consistent, whatever the site asked for. Its fields are `private` and not `#private`, which cost more.
 */
import type { Site } from "../wire/sites.ts";
import type { SharedBuffer } from "./attach.ts";
import type { SharedMemory, WaitResult } from "./shared-memory.ts";

/** What an access does, as reports print it. */
export const ACCESS = {
  read: 0,
  write: 1,
  load: 2,
  store: 3,
  update: 4,
  wait: 5,
  notify: 6,
  readBytes: 7,
  writeBytes: 8,
} as const;
export type AccessKind = (typeof ACCESS)[keyof typeof ACCESS];

/** One bit for each kind that writes. */
const WRITES = (1 << ACCESS.write) | (1 << ACCESS.store) | (1 << ACCESS.update) | (1 << ACCESS.writeBytes);

export const isWrite = (kind: number): boolean => ((WRITES >>> kind) & 1) !== 0;

/** Who decides when an access may happen. `memory` tells the shared buffers apart. */
export interface AccessGate {
  /** Returns when the access may be made. */
  before(memory: number, offset: number, bytes: number, site: Site, kind: AccessKind): void;
  /** The access was made: the value read or written (before and after, for an update). */
  after(value: number, before: number): void;
  /** Returns when a notify of the word has come and the actor may go on. */
  block(memory: number, offset: number): void;
  /** Lets the actors that wait on the word go on; how many there were. */
  wake(memory: number, offset: number): number;
  /** The access that stands at the gate turns out to be of another kind. */
  becomes(kind: AccessKind): void;
}

export class ScheduledMemory implements SharedMemory {
  readonly buffer: SharedBuffer;
  readonly byteLength: number;
  private readonly gate: AccessGate;
  private readonly id: number;
  private readonly u8: Uint8Array;
  private readonly u16: Uint16Array;
  private readonly u32: Uint32Array;

  constructor(buffer: SharedBuffer, id: number, gate: AccessGate) {
    this.buffer = buffer;
    this.byteLength = buffer.byteLength;
    this.gate = gate;
    this.id = id;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
  }

  /** A look from outside the execution: no scheduling point. */
  peek16(offset: number): number {
    return this.u16[offset >>> 1] as number;
  }
  peek32(offset: number): number {
    return this.u32[offset >>> 2] as number;
  }
  /** All bytes as they are now. */
  copy(): Uint8Array {
    return this.u8.slice();
  }
  /** Back to zero, from outside the execution; whole words. */
  clear(offset: number, bytes: number): void {
    const end = (offset + bytes) >>> 2;
    for (let at = offset >>> 2; at < end; at++) this.u32[at] = 0;
  }

  /** Sets bits from outside the execution. */
  set(offset: number, bits: number): void {
    this.u32[offset >>> 2] = (this.u32[offset >>> 2] as number) | bits;
  }

  read8(offset: number, site: Site): number {
    this.gate.before(this.id, offset, 1, site, ACCESS.read);
    return this.saw(this.u8[offset] as number);
  }
  read16(offset: number, site: Site): number {
    this.gate.before(this.id, offset, 2, site, ACCESS.read);
    return this.saw(this.u16[offset >>> 1] as number);
  }
  read32(offset: number, site: Site): number {
    this.gate.before(this.id, offset, 4, site, ACCESS.read);
    return this.saw(this.u32[offset >>> 2] as number);
  }
  write8(offset: number, value: number, site: Site): void {
    this.gate.before(this.id, offset, 1, site, ACCESS.write);
    this.u8[offset] = value;
    this.gate.after(value & 0xff, 0);
  }
  write16(offset: number, value: number, site: Site): void {
    this.gate.before(this.id, offset, 2, site, ACCESS.write);
    this.u16[offset >>> 1] = value;
    this.gate.after(value & 0xffff, 0);
  }
  write32(offset: number, value: number, site: Site): void {
    this.gate.before(this.id, offset, 4, site, ACCESS.write);
    this.u32[offset >>> 2] = value;
    this.gate.after(value >>> 0, 0);
  }

  load16(offset: number, site: Site): number {
    this.gate.before(this.id, offset, 2, site, ACCESS.load);
    return this.saw(this.u16[offset >>> 1] as number);
  }
  load32(offset: number, site: Site): number {
    this.gate.before(this.id, offset, 4, site, ACCESS.load);
    return this.saw(this.u32[offset >>> 2] as number);
  }
  store16(offset: number, value: number, site: Site): void {
    this.gate.before(this.id, offset, 2, site, ACCESS.store);
    this.u16[offset >>> 1] = value;
    this.gate.after(value & 0xffff, 0);
  }
  store32(offset: number, value: number, site: Site): void {
    this.gate.before(this.id, offset, 4, site, ACCESS.store);
    this.u32[offset >>> 2] = value;
    this.gate.after(value >>> 0, 0);
  }
  add32(offset: number, value: number, site: Site): number {
    this.gate.before(this.id, offset, 4, site, ACCESS.update);
    const before = this.u32[offset >>> 2] as number;
    return this.update(offset, before, before + value);
  }
  or32(offset: number, value: number, site: Site): number {
    this.gate.before(this.id, offset, 4, site, ACCESS.update);
    const before = this.u32[offset >>> 2] as number;
    return this.update(offset, before, before | value);
  }
  and32(offset: number, value: number, site: Site): number {
    this.gate.before(this.id, offset, 4, site, ACCESS.update);
    const before = this.u32[offset >>> 2] as number;
    return this.update(offset, before, before & value);
  }
  exchange32(offset: number, value: number, site: Site): number {
    this.gate.before(this.id, offset, 4, site, ACCESS.update);
    return this.update(offset, this.u32[offset >>> 2] as number, value);
  }

  /**
   * Any atomic load, store or update of 1 to 8 bytes, for code that is not ours: `touch` is given the bytes. An update
   * that changes nothing (a comparison that failed) returns false, and is a load.
   */
  atomicBytes(
    offset: number,
    bytes: number,
    kind: AccessKind,
    site: Site,
    touch: (bytes: Uint8Array) => boolean,
  ): void {
    this.gate.before(this.id, offset, bytes, site, kind);
    const before = this.word(offset, bytes);
    const changed = touch(this.u8.subarray(offset, offset + bytes));
    if (!changed && kind === ACCESS.update) this.gate.becomes(ACCESS.load);
    this.gate.after(this.word(offset, bytes), before);
  }

  /** Time stands still under the scheduler: a wait ends by a notify, never by its time-out. */
  wait32(offset: number, expected: number, _timeoutMs: number, site: Site): WaitResult {
    this.gate.before(this.id, offset, 4, site, ACCESS.wait);
    const value = this.saw(this.u32[offset >>> 2] as number);
    if (value !== expected >>> 0) return "not-equal";
    this.gate.block(this.id, offset);
    return "ok";
  }
  waitAsync32(): never {
    throw new Error("a controlled thread has no event loop to wait in: use wait32");
  }
  notify32(offset: number, site: Site): number {
    this.gate.before(this.id, offset, 4, site, ACCESS.notify);
    return this.saw(this.gate.wake(this.id, offset));
  }

  readBytes(offset: number, target: Uint8Array, site: Site): void {
    target.set(this.window(offset, target.length, "read", site));
  }
  writeBytes(offset: number, source: Uint8Array, site: Site): void {
    this.window(offset, source.length, "write", site).set(source);
  }
  copyWithin(to: number, from: number, length: number, site: Site): void {
    this.window(to, length, "write", site).set(this.window(from, length, "read", site));
  }
  fill(offset: number, length: number, value: number, site: Site): void {
    this.window(offset, length, "write", site).fill(value);
  }
  window(offset: number, length: number, intent: "read" | "write", site: Site): Uint8Array {
    if (offset < 0 || offset + length > this.byteLength) {
      throw new RangeError(`shared memory: ${length} bytes at ${offset} do not fit in ${this.byteLength}`);
    }
    const kind = intent === "read" ? ACCESS.readBytes : ACCESS.writeBytes;
    this.gate.before(this.id, offset, length, site, kind);
    this.gate.after(length, 0);
    return this.u8.subarray(offset, offset + length);
  }

  /** At most 32 bits, without a scheduling point. */
  private word(offset: number, bytes: number): number {
    if (bytes >= 4) return this.peek32(offset);
    return bytes === 2 ? this.peek16(offset) : (this.u8[offset] as number);
  }

  private saw(value: number): number {
    this.gate.after(value, 0);
    return value;
  }

  private update(offset: number, before: number, value: number): number {
    this.u32[offset >>> 2] = value;
    this.gate.after(value >>> 0, before);
    return before;
  }
}
