/**
 * The 256 bytes of a function's configuration space, and which bits of them a driver may change. Knows layout and
 * access widths; what the bits do is `PciFunction`'s business.
 */
import { allOnes, type Width } from "../bus/port-bus.ts";
import { CONFIG_SPACE_BYTES } from "../wire/pci.ts";

/** Not a typed array: those live outside the heap, and a hunt makes thousands of machines in a second. */
const EMPTY: readonly number[] = Array.from({ length: CONFIG_SPACE_BYTES }, () => 0);

export class ConfigSpace {
  readonly #bytes = EMPTY.slice();
  readonly #writable = EMPTY.slice();

  /** Sets bits at build time, and those the function itself owns later. */
  set(offset: number, width: Width, value: number): void {
    for (let i = 0; i < width; i++) this.#bytes[offset + i] = (value >>> (8 * i)) & 0xff;
  }

  /** Lets the driver change the bits of `mask`. */
  allow(offset: number, width: Width, mask: number): void {
    for (let i = 0; i < width; i++) this.#writable[offset + i] = (mask >>> (8 * i)) & 0xff;
  }

  read(offset: number, width: Width): number {
    if (offset + width > CONFIG_SPACE_BYTES) return allOnes(width);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = ((value << 8) | (this.#bytes[offset + i] ?? 0)) >>> 0;
    return value;
  }

  /** The driver's write: bits that it may not change keep their value. */
  write(offset: number, width: Width, value: number): void {
    if (offset + width > CONFIG_SPACE_BYTES) return;
    for (let i = 0; i < width; i++) {
      const mask = this.#writable[offset + i] ?? 0;
      const before = this.#bytes[offset + i] ?? 0;
      this.#bytes[offset + i] = (before & ~mask) | ((value >>> (8 * i)) & mask);
    }
  }
}
