/**
 * Guest RAM that belongs to an emulator: a range of its WebAssembly memory, which is not shared with other threads.
 *
 * "Atomic" accesses are plain ones here. That is enough, not a shortcut: the emulated CPU and the host run in one
 * thread, so nothing happens between two accesses that the host makes. Nobody can sleep on such memory either.
 *
 * The emulator keeps translations of the guest's code, so it is told about every byte that a device writes.
 */
import type { Site } from "../wire/sites.ts";
import type { SharedMemory } from "./shared-memory.ts";
import { TwoStepMemory } from "./two-step-memory.ts";

export interface EmulatorMemoryOptions {
  /** The memory's bytes now: it gets a new buffer whenever it grows. */
  readonly buffer: () => ArrayBuffer;
  /** Where in it the guest's RAM begins; a multiple of 4. */
  readonly base: number;
  readonly byteLength: number;
  /** Called before bytes [start, end) of guest RAM change. */
  readonly changing: (start: number, end: number) => void;
}

export class EmulatorMemory extends TwoStepMemory implements SharedMemory {
  protected override readonly what = "an emulator's memory";
  override readonly byteLength: number;
  readonly #options: EmulatorMemoryOptions;
  #buffer: ArrayBuffer;
  #u8: Uint8Array;
  #u16: Uint16Array;
  #u32: Uint32Array;

  constructor(options: EmulatorMemoryOptions) {
    super();
    this.byteLength = options.byteLength;
    this.#options = options;
    this.#buffer = options.buffer();
    [this.#u8, this.#u16, this.#u32] = this.#views();
  }

  read8(offset: number, _site: Site): number {
    return this.#bytes()[offset] ?? 0;
  }
  read16(offset: number, _site: Site): number {
    this.#refresh();
    return this.#u16[offset >>> 1] ?? 0;
  }
  read32(offset: number, _site: Site): number {
    this.#refresh();
    return this.#u32[offset >>> 2] ?? 0;
  }
  write8(offset: number, value: number, _site: Site): void {
    this.#changing(offset, 1)[offset] = value;
  }
  write16(offset: number, value: number, _site: Site): void {
    this.#changing(offset, 2);
    this.#u16[offset >>> 1] = value;
  }
  write32(offset: number, value: number, _site: Site): void {
    this.#changing(offset, 4);
    this.#u32[offset >>> 2] = value;
  }

  load16(offset: number, site: Site): number {
    return this.read16(offset, site);
  }
  load32(offset: number, site: Site): number {
    return this.read32(offset, site);
  }
  store16(offset: number, value: number, site: Site): void {
    this.write16(offset, value, site);
  }

  readBytes(offset: number, target: Uint8Array, _site: Site): void {
    this.check(offset, target.length);
    target.set(this.#bytes().subarray(offset, offset + target.length));
  }
  writeBytes(offset: number, source: Uint8Array, _site: Site): void {
    this.check(offset, source.length);
    this.#changing(offset, source.length).set(source, offset);
  }
  copyWithin(to: number, from: number, length: number, _site: Site): void {
    this.check(to, length);
    this.check(from, length);
    this.#changing(to, length).copyWithin(to, from, from + length);
  }
  fill(offset: number, length: number, value: number, _site: Site): void {
    this.check(offset, length);
    this.#changing(offset, length).fill(value, offset, offset + length);
  }

  /** For reading it is a copy: the memory may grow, and lose this buffer, while an I/O call still reads from it. */
  window(offset: number, length: number, intent: "read" | "write", _site: Site): Uint8Array {
    this.check(offset, length);
    if (intent === "read") return this.#bytes().slice(offset, offset + length);
    return this.#changing(offset, length).subarray(offset, offset + length);
  }

  #changing(offset: number, length: number): Uint8Array {
    this.#options.changing(offset, offset + length);
    return this.#bytes();
  }

  #bytes(): Uint8Array {
    this.#refresh();
    return this.#u8;
  }

  #refresh(): void {
    const buffer = this.#options.buffer();
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    [this.#u8, this.#u16, this.#u32] = this.#views();
  }

  #views(): [Uint8Array, Uint16Array, Uint32Array] {
    const { base } = this.#options;
    return [
      new Uint8Array(this.#buffer, base, this.byteLength),
      new Uint16Array(this.#buffer, base, this.byteLength >>> 1),
      new Uint32Array(this.#buffer, base, this.byteLength >>> 2),
    ];
  }
}
