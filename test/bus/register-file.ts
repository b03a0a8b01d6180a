/**
 * The simplest port handler: bytes that can be written and read back, and a log of the writes, readable through the
 * bus itself, so that it tells the same from another thread.
 */

import type { PortHandler, Width } from "../../src/bus/port-bus.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";

/** Ports (and, at the same offsets, memory-mapped addresses) below this are plain bytes. */
export const REGISTER_BYTES = 0x1000;
export const LOG = { length: 0xf000, select: 0xf004, address: 0xf008, value: 0xf00c, clear: 0xf010 } as const;
export const MMIO_BASE = 0xf000_0000;
/** Reads as a negative number, as careless bit arithmetic in a handler gives. */
export const NEGATIVE = 0xe000;

export class RegisterFile implements PortHandler {
  readonly log: { address: number; value: number }[] = [];
  readonly #bytes = new Uint8Array(2 * REGISTER_BYTES);
  readonly #memory: SharedMemory;
  readonly #served: number;
  #selected = 0;

  /** `served`: a word that counts the writes as they are served. */
  constructor(memory: SharedMemory, served: number) {
    this.#memory = memory;
    this.#served = served;
  }

  portRead(port: number, width: Width): number {
    const entry = this.log[this.#selected];
    if (port === LOG.length) return this.log.length;
    if (port === LOG.address) return entry?.address ?? 0xffff_ffff;
    if (port === LOG.value) return entry?.value ?? 0xffff_ffff;
    if (port === NEGATIVE) return -2;
    return this.#read(port, width);
  }
  portWrite(port: number, width: Width, value: number): void {
    if (port === LOG.select) {
      this.#selected = value;
    } else if (port === LOG.clear) {
      this.log.length = 0;
    } else {
      this.#write(port, port, width, value);
    }
  }
  mmioRead(address: number, width: Width): number {
    return this.#read(address - MMIO_BASE + REGISTER_BYTES, width);
  }
  mmioWrite(address: number, width: Width, value: number): void {
    this.#write(address, address - MMIO_BASE + REGISTER_BYTES, width, value);
  }

  #read(at: number, width: Width): number {
    let value = 0;
    for (let byte = width - 1; byte >= 0; byte--) value = value * 256 + (this.#bytes[at + byte] ?? 0xff);
    return value;
  }
  #write(address: number, at: number, width: Width, value: number): void {
    this.log.push({ address, value });
    for (let byte = 0; byte < width; byte++) this.#bytes[at + byte] = value >>> (8 * byte);
    this.#memory.add32(this.#served, 1, 0);
  }
}
