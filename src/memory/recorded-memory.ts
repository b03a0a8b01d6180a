/**
 * Live memory that tells a watcher of each access: loads after they were made, stores before they are, so that a
 * publication is seen no later than its effects. Chosen when a worker starts; a worker that records nothing uses
 * `LiveMemory` itself and pays nothing.
 *
 * Doorbell words are looked at all the time: of those only sleeps and wake-ups are told.
 */
import type { Site } from "../wire/sites.ts";
import { LiveMemory } from "./live-memory.ts";
import type { WaitResult } from "./shared-memory.ts";

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

export class RecordedMemory extends LiveMemory {
  private readonly watcher: MemoryWatcher;

  constructor(buffer: SharedArrayBuffer, watcher: MemoryWatcher) {
    super(buffer);
    this.watcher = watcher;
  }

  override read8(offset: number, site: Site): number {
    const value = super.read8(offset, site);
    this.watcher.range(site, offset, 1, "read");
    return value;
  }
  override read16(offset: number, site: Site): number {
    const value = super.read16(offset, site);
    this.watcher.read(site, offset, value);
    return value;
  }
  override read32(offset: number, site: Site): number {
    const value = super.read32(offset, site);
    this.watcher.read(site, offset, value);
    return value;
  }
  override write8(offset: number, value: number, site: Site): void {
    this.watcher.range(site, offset, 1, "write");
    super.write8(offset, value, site);
  }
  override write16(offset: number, value: number, site: Site): void {
    this.watcher.write(site, offset, value & 0xffff);
    super.write16(offset, value, site);
  }
  override write32(offset: number, value: number, site: Site): void {
    this.watcher.write(site, offset, value >>> 0);
    super.write32(offset, value, site);
  }
  override load16(offset: number, site: Site): number {
    const value = super.load16(offset, site);
    this.watcher.read(site, offset, value);
    return value;
  }
  override store16(offset: number, value: number, site: Site): void {
    this.watcher.write(site, offset, value & 0xffff);
    super.store16(offset, value, site);
  }
  override store32(offset: number, value: number, site: Site): void {
    this.watcher.write(site, offset, value >>> 0);
    super.store32(offset, value, site);
  }
  override or32(offset: number, value: number, site: Site): number {
    const before = super.or32(offset, value, site);
    this.watcher.updated(site, offset, value >>> 0, before);
    return before;
  }
  override and32(offset: number, value: number, site: Site): number {
    const before = super.and32(offset, value, site);
    this.watcher.updated(site, offset, value >>> 0, before);
    return before;
  }
  override exchange32(offset: number, value: number, site: Site): number {
    const before = super.exchange32(offset, value, site);
    this.watcher.updated(site, offset, value >>> 0, before);
    return before;
  }

  override wait32(offset: number, expected: number, timeoutMs: number, site: Site): WaitResult {
    this.watcher.sleep(offset, false);
    const result = super.wait32(offset, expected, timeoutMs, site);
    this.watcher.wake(offset);
    return result;
  }
  override waitAsync32(offset: number, expected: number, timeoutMs: number, site: Site) {
    this.watcher.sleep(offset, true);
    const result = super.waitAsync32(offset, expected, timeoutMs, site);
    if (typeof result === "string") this.watcher.wake(offset);
    else void result.then(() => this.watcher.wake(offset));
    return result;
  }

  override readBytes(offset: number, target: Uint8Array, site: Site): void {
    super.readBytes(offset, target, site);
    this.watcher.range(site, offset, target.length, "read");
  }
  override writeBytes(offset: number, source: Uint8Array, site: Site): void {
    this.watcher.range(site, offset, source.length, "write");
    super.writeBytes(offset, source, site);
  }
  override copyWithin(to: number, from: number, length: number, site: Site): void {
    this.watcher.range(site, from, length, "read");
    this.watcher.range(site, to, length, "write");
    super.copyWithin(to, from, length, site);
  }
  override fill(offset: number, length: number, value: number, site: Site): void {
    this.watcher.range(site, offset, length, "write");
    super.fill(offset, length, value, site);
  }
  override window(offset: number, length: number, intent: "read" | "write", site: Site): Uint8Array {
    this.watcher.range(site, offset, length, intent);
    return super.window(offset, length, intent, site);
  }
}
