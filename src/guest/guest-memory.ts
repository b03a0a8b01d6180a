/**
 * The guest's physical memory: whole pages for rings, and smaller buffers for requests. First fit over a sorted
 * free list that merges neighbours; everything is counted, so that a test can see a leak.
 */
import type { Ram } from "../memory/ram.ts";
import { alignUp, type GuestAddress, PAGE_SIZE } from "../wire/numbers.ts";
import { site } from "../wire/sites.ts";

const BUFFER = site("driver: buffer");
/** Small buffers keep cache lines apart. */
const BUFFER_ALIGN = 64;

/** A request was refused because there was no guest memory for it; it may be made again when there is. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
}

/** Somebody who has memory to give up when there is none left, and wants to hear of memory that is free again. */
export interface Shrinker {
  /** Gives memory back for an allocation of `bytes` that failed. False: there is none to be had now. */
  reclaim(bytes: number): boolean;
  freed(): void;
}

interface Hole {
  offset: number;
  bytes: number;
}

/** What one CPU's allocator has of RAM: a page-aligned piece of it. */
export interface MemoryShare {
  readonly offset: number;
  readonly bytes: number;
}

/** The other CPUs share half of RAM, its upper end; CPU 0 has the rest. */
export function memoryShare(ramBytes: number, cpu: number, cpus: number): MemoryShare {
  const bytes = alignDown(ramBytes / 2 / cpus, PAGE_SIZE);
  const first = ramBytes - (cpus - 1) * bytes;
  return cpu === 0 ? { offset: 0, bytes: first } : { offset: first + (cpu - 1) * bytes, bytes };
}

const alignDown = (value: number, align: number): number => value - (value % align);

export class GuestMemory {
  readonly ram: Ram;
  /** Bytes handed out now. */
  allocatedBytes = 0;
  readonly #holes: Hole[];
  /** Pages given away to the host, by number within RAM. */
  readonly #surrendered = new Set<number>();
  readonly #shrinkers = new Set<Shrinker>();
  readonly #share: MemoryShare;

  constructor(ram: Ram, share: MemoryShare = { offset: 0, bytes: ram.size }) {
    this.ram = ram;
    this.#share = share;
    this.#holes = [{ ...share }];
  }

  addShrinker(shrinker: Shrinker): void {
    this.#shrinkers.add(shrinker);
  }
  removeShrinker(shrinker: Shrinker): void {
    this.#shrinkers.delete(shrinker);
  }

  /** A page for the host: it leaves the allocator, and an access to it is a bug that throws. */
  surrenderPage(): GuestAddress | undefined {
    const address = this.#findHole(PAGE_SIZE, PAGE_SIZE);
    if (address !== undefined) this.#surrendered.add((address - this.ram.base) / PAGE_SIZE);
    return address;
  }
  /** A page is the guest's again, with unspecified contents. */
  recoverPage(address: number): void {
    if (!this.#surrendered.delete((address - this.ram.base) / PAGE_SIZE)) {
      throw new Error(`the page at 0x${address.toString(16)} was not surrendered`);
    }
    this.#insert(address, PAGE_SIZE);
  }

  get freeBytes(): number {
    return this.#share.bytes - this.allocatedBytes;
  }

  /** Contiguous zeroed pages, or undefined when there are none left. */
  allocatePages(bytes: number): GuestAddress | undefined {
    const size = alignUp(bytes, PAGE_SIZE);
    const address = this.#take(size, PAGE_SIZE);
    if (address !== undefined) this.ram.memory.fill(address - this.ram.base, size, 0, BUFFER);
    return address;
  }
  freePages(address: number, bytes: number): void {
    this.#give(address, alignUp(bytes, PAGE_SIZE));
  }

  /** A buffer with unspecified contents, 64-byte aligned, or undefined. */
  allocate(bytes: number): GuestAddress | undefined {
    return this.#take(alignUp(Math.max(1, bytes), BUFFER_ALIGN), BUFFER_ALIGN);
  }
  free(address: number, bytes: number): void {
    this.#give(address, alignUp(Math.max(1, bytes), BUFFER_ALIGN));
  }

  read(address: number, target: Uint8Array): void {
    this.ram.memory.readBytes(this.#offset(address, target.length), target, BUFFER);
  }
  write(address: number, source: Uint8Array): void {
    this.ram.memory.writeBytes(this.#offset(address, source.length), source, BUFFER);
  }
  read8(address: number): number {
    return this.ram.memory.read8(this.#offset(address, 1), BUFFER);
  }
  write8(address: number, value: number): void {
    this.ram.memory.write8(this.#offset(address, 1), value, BUFFER);
  }
  read32(address: number): number {
    return this.ram.memory.read32(this.#wordOffset(address), BUFFER);
  }
  write32(address: number, value: number): void {
    this.ram.memory.write32(this.#wordOffset(address), value, BUFFER);
  }
  write64(address: number, value: number): void {
    this.write32(address, value >>> 0);
    this.write32(address + 4, Math.floor(value / 0x1_0000_0000));
  }

  /** Addresses here come from our own allocator or the guest program: outside RAM is its bug. */
  #offset(address: number, length: number): number {
    const offset = this.ram.offsetOf(address, length);
    if (offset < 0)
      throw new RangeError(`${length} bytes at 0x${address.toString(16)} lie outside guest RAM`);
    if (this.#surrendered.size > 0) this.#refuseSurrendered(offset, length);
    return offset;
  }

  #wordOffset(address: number): number {
    const offset = this.#offset(address, 4);
    if (offset % 4 !== 0) {
      throw new RangeError(
        `expected the address of a 32-bit word, a multiple of 4, found 0x${address.toString(16)}`,
      );
    }
    return offset;
  }

  #refuseSurrendered(offset: number, length: number): void {
    for (let page = Math.floor(offset / PAGE_SIZE); page * PAGE_SIZE < offset + length; page++) {
      if (!this.#surrendered.has(page)) continue;
      const address = this.ram.addressOf(page * PAGE_SIZE).toString(16);
      throw new RangeError(`ballooned-page: page ${page} (0x${address}) was given to the host`);
    }
  }

  /** Out of memory, whoever has some to give up is asked, as long as one does. */
  #take(bytes: number, align: number): GuestAddress | undefined {
    if (Number.isNaN(bytes)) throw new RangeError("an allocation of NaN bytes");
    for (;;) {
      const address = this.#findHole(bytes, align);
      if (address !== undefined) return address;
      if (![...this.#shrinkers].some((shrinker) => shrinker.reclaim(bytes))) return undefined;
    }
  }

  #findHole(bytes: number, align: number): GuestAddress | undefined {
    for (let index = 0; index < this.#holes.length; index++) {
      const hole = this.#holes[index];
      if (hole === undefined) break;
      const start = alignUp(this.ram.base + hole.offset, align) - this.ram.base;
      const lead = start - hole.offset;
      if (lead + bytes > hole.bytes) continue;
      const tail = { offset: start + bytes, bytes: hole.bytes - lead - bytes };
      const left = [{ offset: hole.offset, bytes: lead }, tail].filter((part) => part.bytes > 0);
      this.#holes.splice(index, 1, ...left);
      this.allocatedBytes += bytes;
      return this.ram.addressOf(start);
    }
    return undefined;
  }

  #give(address: number, bytes: number): void {
    this.#insert(address, bytes);
    for (const shrinker of this.#shrinkers) shrinker.freed();
  }

  #insert(address: number, bytes: number): void {
    const offset = this.#offset(address, bytes);
    const index = this.#holes.findIndex((hole) => hole.offset > offset);
    const at = index < 0 ? this.#holes.length : index;
    const before = this.#holes[at - 1];
    const after = this.#holes[at];
    if ((before && before.offset + before.bytes > offset) || (after && offset + bytes > after.offset)) {
      throw new Error(`double free of ${bytes} bytes at 0x${address.toString(16)}`);
    }
    this.allocatedBytes -= bytes;
    this.#holes.splice(at, 0, { offset, bytes });
    this.#merge(at);
    if (at > 0) this.#merge(at - 1);
  }

  #merge(at: number): void {
    const hole = this.#holes[at];
    const next = this.#holes[at + 1];
    if (hole === undefined || next === undefined || hole.offset + hole.bytes !== next.offset) return;
    hole.bytes += next.bytes;
    this.#holes.splice(at + 1, 1);
  }
}
