/**
 * The one way to touch bytes that two threads share.
 *
 * Plain and atomic accesses are different methods: `read`/`write` are unordered, `load`/`store` and the
 * read-modify-writes are sequentially consistent (the only ordering JavaScript has). Offsets are bytes from the
 * start of the buffer, naturally aligned, and trusted: an address that a peer supplied is checked by
 * `Ram.offsetOf` before it gets here. Bulk operations check their range all the same.
 *
 * One implementation is chosen per thread when it starts (live, recorded, scheduled), so that every call site
 * sees a single class and V8 inlines it.
 */
import type { Site } from "../wire/sites.ts";

export type WaitResult = "ok" | "not-equal" | "timed-out";

export interface SharedMemory {
  readonly byteLength: number;

  /*
   * Plain: may be stale. Each is one access of the engine's (8, 16 and 32 bits, naturally aligned); that it does not tear,
   * the language promises of typed arrays but not of a DataView, so nothing may rest on it.
   */
  read8(offset: number, site: Site): number;
  read16(offset: number, site: Site): number;
  read32(offset: number, site: Site): number;
  write8(offset: number, value: number, site: Site): void;
  write16(offset: number, value: number, site: Site): void;
  write32(offset: number, value: number, site: Site): void;

  /* Atomic: sequentially consistent. Values are unsigned. */
  load16(offset: number, site: Site): number;
  load32(offset: number, site: Site): number;
  store16(offset: number, value: number, site: Site): void;
  store32(offset: number, value: number, site: Site): void;
  /* Read-modify-write; each returns the value before. */
  add32(offset: number, value: number, site: Site): number;
  or32(offset: number, value: number, site: Site): number;
  and32(offset: number, value: number, site: Site): number;
  exchange32(offset: number, value: number, site: Site): number;

  /** Sleeps while the word equals `expected`. A return says nothing about the word: always look again. */
  wait32(offset: number, expected: number, timeoutMs: number, site: Site): WaitResult;
  /** As `wait32` without blocking the thread; a plain string when there was nothing to wait for. */
  waitAsync32(
    offset: number,
    expected: number,
    timeoutMs: number,
    site: Site,
  ): WaitResult | Promise<WaitResult>;
  /** Wakes every sleeper on the word; returns how many there were. */
  notify32(offset: number, site: Site): number;

  /* Bulk: plain, one access of a range. Throw RangeError outside the buffer (our own bug, not a peer's). */
  readBytes(offset: number, target: Uint8Array, site: Site): void;
  writeBytes(offset: number, source: Uint8Array, site: Site): void;
  copyWithin(to: number, from: number, length: number, site: Site): void;
  fill(offset: number, length: number, value: number, site: Site): void;
  /**
   * A window for the engine's own I/O calls (`fs.read` straight into guest RAM). `intent` says what will be done
   * with it; do not keep it.
   */
  window(offset: number, length: number, intent: "read" | "write", site: Site): Uint8Array;
}

/** Shared bytes that other threads of this process attach by their buffer. */
export interface BufferMemory extends SharedMemory {
  readonly buffer: SharedArrayBuffer;
}
