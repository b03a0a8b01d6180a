/**
 * Shared bytes in a file, for a peer that is another process and maps the same file: QEMU and its guest RAM.
 *
 * There is no mapping on this side, so every access is a system call on the file. Why plain `pread` and `pwrite`
 * are enough where the interface says "atomic":
 *
 * - Order. Accesses are made one after the other, each a whole trip into the kernel and back, and neither side of
 *   it is reordered with the next: the compiler cannot see through it, and x86 keeps loads in order, stores in order
 *   and loads before later stores. That covers publish / look (ordering A and B).
 * - Store, then load (the Dekker pairs C and D) is the one order that x86 does not keep by itself. A `pwrite`
 *   ends by giving back the inode's lock, a locked read-modify-write, which is a full fence; so the next `pread` looks
 *   after the store is visible. The peer has its own fence between its store and its look.
 * - Tearing. The kernel copies bytes and may copy two of them one by one. A 16-bit load is therefore repeated until
 *   two in a row agree (an index only moves forward, so two torn ones do not). A 16-bit store changes one byte
 *   wherever it can; where both bytes change, the owner of `storeWord` (the peer itself) stores them in one piece.
 * - Read-modify-writes are not atomic against the peer: none is ever made on words that it writes.
 *
 * Nobody can sleep on such memory, and it has no window.
 */
import { readSync, writeSync } from "node:fs";
import type { Site } from "../wire/sites.ts";
import type { SharedMemory } from "./shared-memory.ts";
import { TwoStepMemory } from "./two-step-memory.ts";

const SCRATCH_BYTES = 65_536;

export interface FileMemoryOptions {
  readonly descriptor: number;
  /** Where in the file offset 0 lies. */
  readonly base: number;
  readonly byteLength: number;
  /** Stores 16 bits at an offset in one piece. */
  readonly storeWord: (offset: number, value: number) => void;
}

export class FileMemory extends TwoStepMemory implements SharedMemory {
  protected override readonly what = "memory in a file";
  override readonly byteLength: number;
  readonly #descriptor: number;
  readonly #base: number;
  readonly #storeWord: (offset: number, value: number) => void;
  readonly #word = Buffer.alloc(4);
  readonly #scratch = Buffer.alloc(SCRATCH_BYTES);

  constructor(options: FileMemoryOptions) {
    super();
    this.byteLength = options.byteLength;
    this.#descriptor = options.descriptor;
    this.#base = options.base;
    this.#storeWord = options.storeWord;
  }

  read8(offset: number, _site: Site): number {
    return this.#fetch(offset, 1).readUInt8();
  }
  read16(offset: number, _site: Site): number {
    return this.#fetch(offset, 2).readUInt16LE();
  }
  read32(offset: number, _site: Site): number {
    return this.#fetch(offset, 4).readUInt32LE();
  }
  write8(offset: number, value: number, _site: Site): void {
    this.#word[0] = value;
    this.#put(offset, 1);
  }
  write16(offset: number, value: number, _site: Site): void {
    this.#word.writeUInt16LE(value & 0xffff);
    this.#put(offset, 2);
  }
  write32(offset: number, value: number, _site: Site): void {
    this.#word.writeUInt32LE(value >>> 0);
    this.#put(offset, 4);
  }

  load16(offset: number, site: Site): number {
    let before = this.read16(offset, site);
    for (;;) {
      const now = this.read16(offset, site);
      if (now === before) return now;
      before = now;
    }
  }
  load32(offset: number, site: Site): number {
    let before = this.read32(offset, site);
    for (;;) {
      const now = this.read32(offset, site);
      if (now === before) return now;
      before = now;
    }
  }
  store16(offset: number, value: number, site: Site): void {
    // Only we write the words that we store to, so this look is not stale.
    const change = this.read16(offset, site) ^ (value & 0xffff);
    if (change <= 0xff) this.write8(offset, value & 0xff, site);
    else if ((change & 0xff) === 0) this.write8(offset + 1, (value >>> 8) & 0xff, site);
    else this.#storeWord(offset, value & 0xffff);
  }

  readBytes(offset: number, target: Uint8Array, _site: Site): void {
    this.check(offset, target.length);
    this.#readAt(offset, target);
  }
  writeBytes(offset: number, source: Uint8Array, _site: Site): void {
    this.check(offset, source.length);
    this.#writeAt(offset, source);
  }
  copyWithin(to: number, from: number, length: number, _site: Site): void {
    this.check(to, length);
    this.check(from, length);
    const bytes = Buffer.alloc(length);
    this.#readAt(from, bytes);
    this.#writeAt(to, bytes);
  }
  fill(offset: number, length: number, value: number, _site: Site): void {
    this.check(offset, length);
    this.#scratch.fill(value);
    for (let done = 0; done < length; done += SCRATCH_BYTES) {
      this.#writeAt(offset + done, this.#scratch.subarray(0, Math.min(SCRATCH_BYTES, length - done)));
    }
  }
  window(): Uint8Array {
    throw new Error("memory in a file has no window");
  }

  #fetch(offset: number, bytes: number): Buffer {
    readSync(this.#descriptor, this.#word, 0, bytes, this.#base + offset);
    return this.#word;
  }
  #put(offset: number, bytes: number): void {
    writeSync(this.#descriptor, this.#word, 0, bytes, this.#base + offset);
  }

  #readAt(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const now = readSync(this.#descriptor, target, done, target.length - done, this.#base + offset + done);
      if (now === 0) throw new Error(`the memory file ends before offset ${offset + target.length}`);
      done += now;
    }
  }
  #writeAt(offset: number, source: Uint8Array): void {
    for (let done = 0; done < source.length; ) {
      done += writeSync(this.#descriptor, source, done, source.length - done, this.#base + offset + done);
    }
  }
}
