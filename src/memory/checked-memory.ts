/**
 * Live memory that refuses any access outside the buffer or off its natural alignment. The live class drops a
 * write or rounds its address down there; under attack that would hide exactly what is looked for.
 */
import type { Site } from "../wire/sites.ts";
import { LiveMemory } from "./live-memory.ts";

export class CheckedMemory extends LiveMemory {
  override read8(offset: number, site: Site): number {
    return super.read8(this.#checked(offset, 1), site);
  }
  override read16(offset: number, site: Site): number {
    return super.read16(this.#checked(offset, 2), site);
  }
  override read32(offset: number, site: Site): number {
    return super.read32(this.#checked(offset, 4), site);
  }
  override write8(offset: number, value: number, site: Site): void {
    super.write8(this.#checked(offset, 1), value, site);
  }
  override write16(offset: number, value: number, site: Site): void {
    super.write16(this.#checked(offset, 2), value, site);
  }
  override write32(offset: number, value: number, site: Site): void {
    super.write32(this.#checked(offset, 4), value, site);
  }
  override load16(offset: number, site: Site): number {
    return super.load16(this.#checked(offset, 2), site);
  }
  override load32(offset: number, site: Site): number {
    return super.load32(this.#checked(offset, 4), site);
  }
  override store16(offset: number, value: number, site: Site): void {
    super.store16(this.#checked(offset, 2), value, site);
  }
  override store32(offset: number, value: number, site: Site): void {
    super.store32(this.#checked(offset, 4), value, site);
  }
  override add32(offset: number, value: number, site: Site): number {
    return super.add32(this.#checked(offset, 4), value, site);
  }
  override or32(offset: number, value: number, site: Site): number {
    return super.or32(this.#checked(offset, 4), value, site);
  }
  override and32(offset: number, value: number, site: Site): number {
    return super.and32(this.#checked(offset, 4), value, site);
  }
  override exchange32(offset: number, value: number, site: Site): number {
    return super.exchange32(this.#checked(offset, 4), value, site);
  }

  #checked(offset: number, bytes: number): number {
    if (offset < 0 || offset + bytes > this.byteLength || offset % bytes !== 0) {
      throw new RangeError(`shared memory: ${bytes} bytes at ${offset} of ${this.byteLength}`);
    }
    return offset;
  }
}
