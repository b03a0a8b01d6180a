/**
 * Memory that tells a watcher of each access: loads after they were made, stores before they are, so that a
 * publication is seen no later than its effects. Chosen when a worker starts; a worker that records nothing uses
 * `LiveMemory` itself and pays nothing.
 *
 * Doorbell words are looked at all the time: of those only sleeps and wake-ups are told.
 */
import type { Site } from "../wire/sites.ts";
import type { BufferMemory, SharedMemory, WaitResult } from "./shared-memory.ts";

export interface MemoryWatcher {
  read(site: Site, offset: number, value: number): void;
  write(site: Site, offset: number, value: number): void;
  /** A read-modify-write: `operand` as given, `before` as it was found. Told after it was made. */
  updated(site: Site, offset: number, operand: number, before: number): void;
  /** A range of bytes is about to be read or written. */
  range(site: Site, offset: number, length: number, intent: "read" | "write"): void;
  /** The thread goes to sleep: idle, or blocked in the middle of something; and it is awake again. */
  sleep(offset: number, idle: boolean): void;
  wake(offset: number): void;
}

export class RecordedMemory<Inner extends SharedMemory = SharedMemory> implements SharedMemory {
  readonly byteLength: number;
  protected readonly inner: Inner;
  private readonly watcher: MemoryWatcher;

  constructor(inner: Inner, watcher: MemoryWatcher) {
    this.inner = inner;
    this.byteLength = inner.byteLength;
    this.watcher = watcher;
  }

  read8(offset: number, site: Site): number {
    const value = this.inner.read8(offset, site);
    this.watcher.range(site, offset, 1, "read");
    return value;
  }
  read16(offset: number, site: Site): number {
    const value = this.inner.read16(offset, site);
    this.watcher.read(site, offset, value);
    return value;
  }
  read32(offset: number, site: Site): number {
    const value = this.inner.read32(offset, site);
    this.watcher.read(site, offset, value);
    return value;
  }
  write8(offset: number, value: number, site: Site): void {
    this.watcher.range(site, offset, 1, "write");
    this.inner.write8(offset, value, site);
  }
  write16(offset: number, value: number, site: Site): void {
    this.watcher.write(site, offset, value & 0xffff);
    this.inner.write16(offset, value, site);
  }
  write32(offset: number, value: number, site: Site): void {
    this.watcher.write(site, offset, value >>> 0);
    this.inner.write32(offset, value, site);
  }
  load16(offset: number, site: Site): number {
    const value = this.inner.load16(offset, site);
    this.watcher.read(site, offset, value);
    return value;
  }
  store16(offset: number, value: number, site: Site): void {
    this.watcher.write(site, offset, value & 0xffff);
    this.inner.store16(offset, value, site);
  }
  store32(offset: number, value: number, site: Site): void {
    this.watcher.write(site, offset, value >>> 0);
    this.inner.store32(offset, value, site);
  }
  load32(offset: number, site: Site): number {
    return this.inner.load32(offset, site);
  }
  add32(offset: number, value: number, site: Site): number {
    return this.inner.add32(offset, value, site);
  }
  notify32(offset: number, site: Site): number {
    return this.inner.notify32(offset, site);
  }
  or32(offset: number, value: number, site: Site): number {
    const before = this.inner.or32(offset, value, site);
    this.watcher.updated(site, offset, value >>> 0, before);
    return before;
  }
  and32(offset: number, value: number, site: Site): number {
    const before = this.inner.and32(offset, value, site);
    this.watcher.updated(site, offset, value >>> 0, before);
    return before;
  }
  exchange32(offset: number, value: number, site: Site): number {
    const before = this.inner.exchange32(offset, value, site);
    this.watcher.updated(site, offset, value >>> 0, before);
    return before;
  }

  wait32(offset: number, expected: number, timeoutMs: number, site: Site): WaitResult {
    this.watcher.sleep(offset, false);
    const result = this.inner.wait32(offset, expected, timeoutMs, site);
    this.watcher.wake(offset);
    return result;
  }
  waitAsync32(offset: number, expected: number, timeoutMs: number, site: Site) {
    this.watcher.sleep(offset, true);
    const result = this.inner.waitAsync32(offset, expected, timeoutMs, site);
    if (typeof result === "string") this.watcher.wake(offset);
    else void result.then(() => this.watcher.wake(offset));
    return result;
  }

  readBytes(offset: number, target: Uint8Array, site: Site): void {
    this.inner.readBytes(offset, target, site);
    this.watcher.range(site, offset, target.length, "read");
  }
  writeBytes(offset: number, source: Uint8Array, site: Site): void {
    this.watcher.range(site, offset, source.length, "write");
    this.inner.writeBytes(offset, source, site);
  }
  copyWithin(to: number, from: number, length: number, site: Site): void {
    this.watcher.range(site, from, length, "read");
    this.watcher.range(site, to, length, "write");
    this.inner.copyWithin(to, from, length, site);
  }
  fill(offset: number, length: number, value: number, site: Site): void {
    this.watcher.range(site, offset, length, "write");
    this.inner.fill(offset, length, value, site);
  }
  window(offset: number, length: number, intent: "read" | "write", site: Site): Uint8Array {
    this.watcher.range(site, offset, length, intent);
    return this.inner.window(offset, length, intent, site);
  }
}

/** The same for shared bytes that other threads attach too. */
export class RecordedBuffer extends RecordedMemory<BufferMemory> implements BufferMemory {
  get buffer(): SharedArrayBuffer {
    return this.inner.buffer;
  }
}
