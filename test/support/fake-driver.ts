/**
 * A driver written by hand over plain RAM and a port bus. It shares no code with the real one, does exactly what it
 * is told, and can be told to misbehave: descriptors, ring entries and indices are written as given.
 */
import type { PortBus, Width } from "../../src/bus/port-bus.ts";
import type { Ram } from "../../src/memory/ram.ts";
import type { Register } from "../../src/wire/legacy-registers.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { COMMAND, CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT, configAddress, PCI } from "../../src/wire/pci.ts";
import { DESCRIPTOR_FLAG, type RingLayout, ringLayout } from "../../src/wire/ring.ts";

export const IO_BASE = 0xc000;
export const MEMORY_BASE = 0xfe00_0000;
export const MSIX_CONTROL = 0x52;
export const PM_CONTROL = 0x44;

export interface FakeDescriptor {
  readonly address: number;
  readonly length: number;
  readonly flags?: number;
  readonly next?: number;
}

/** One part of a request: readable unless `write` is set. */
export interface FakeBuffer {
  readonly address: number;
  readonly length: number;
  readonly write?: boolean;
}

/** A ring block at a guest address. */
export class FakeRing {
  readonly layout: RingLayout;
  readonly #ram: Ram;
  readonly #base: number;
  #availIndex = 0;
  #usedSeen = 0;

  constructor(ram: Ram, address: number, size: number) {
    this.#ram = ram;
    this.#base = address - ram.base;
    this.layout = ringLayout(size);
    ram.memory.fill(this.#base, this.layout.bytes, 0, 0);
  }

  descriptor(index: number, { address, length, flags = 0, next = 0 }: FakeDescriptor): void {
    const at = this.#base + 16 * index;
    this.#ram.memory.write32(at, address >>> 0, 0);
    this.#ram.memory.write32(at + 4, Math.floor(address / 2 ** 32), 0);
    this.#ram.memory.write32(at + 8, length, 0);
    this.#ram.memory.write16(at + 12, flags, 0);
    this.#ram.memory.write16(at + 14, next, 0);
  }

  /** Chains buffers through descriptors `first`, `first` + 1, ... and offers the head. */
  offerChain(first: number, buffers: readonly FakeBuffer[]): void {
    buffers.forEach((buffer, i) => {
      const last = i === buffers.length - 1;
      const flags = (buffer.write ? DESCRIPTOR_FLAG.WRITE : 0) | (last ? 0 : DESCRIPTOR_FLAG.NEXT);
      this.descriptor(first + i, { ...buffer, flags, next: last ? 0 : first + i + 1 });
    });
    this.offer(first);
  }

  /** Puts a head, any number, into the available ring and publishes it. */
  offer(head: number): void {
    const slot = this.#availIndex & (this.layout.size - 1);
    this.#ram.memory.write16(this.#base + this.layout.availRing + 2 * slot, head, 0);
    this.setAvailIndex(this.#availIndex + 1);
  }

  setAvailIndex(index: number): void {
    this.#availIndex = index & 0xffff;
    this.#ram.memory.store16(this.#base + this.layout.availIndex, this.#availIndex, 0);
  }
  setAvailFlags(flags: number): void {
    this.#ram.memory.store16(this.#base + this.layout.availFlags, flags, 0);
  }
  setUsedEvent(index: number): void {
    this.#ram.memory.store16(this.#base + this.layout.usedEvent, index, 0);
  }
  get usedIndex(): number {
    return this.#ram.memory.load16(this.#base + this.layout.usedIndex, 0);
  }

  /** Used elements since the last call. */
  takeUsed(): { id: number; length: number }[] {
    const taken: { id: number; length: number }[] = [];
    while (this.#usedSeen !== this.usedIndex) {
      const at = this.#base + this.layout.usedRing + 8 * (this.#usedSeen & (this.layout.size - 1));
      taken.push({ id: this.#ram.memory.read32(at, 0), length: this.#ram.memory.read32(at + 4, 0) });
      this.#usedSeen = (this.#usedSeen + 1) & 0xffff;
    }
    return taken;
  }
}

/** Registers of one function, over any bus. */
export class FakeDriver {
  readonly ram: Ram;
  readonly bus: PortBus;
  readonly #slot: number;

  constructor(ram: Ram, bus: PortBus, slot: number) {
    this.ram = ram;
    this.bus = bus;
    this.#slot = slot;
  }

  configRead(offset: number, width: Width): number {
    this.#select(offset);
    return this.bus.in(CONFIG_DATA_PORT + (offset & 3), width);
  }
  configWrite(offset: number, width: Width, value: number): void {
    this.#select(offset);
    this.bus.out(CONFIG_DATA_PORT + (offset & 3), width, value);
  }

  /** Assigns both BARs and switches decode and bus mastering on. */
  enable(): void {
    this.configWrite(PCI.bar0, 4, IO_BASE);
    this.configWrite(PCI.bar0 + 4, 4, MEMORY_BASE);
    this.configWrite(PCI.command, 2, COMMAND.IO | COMMAND.MEMORY | COMMAND.BUS_MASTER);
  }

  setBusMaster(on: boolean): void {
    const { IO, MEMORY, BUS_MASTER } = COMMAND;
    this.configWrite(PCI.command, 2, IO | MEMORY | (on ? BUS_MASTER : 0));
  }

  read(register: Register): number {
    return this.bus.in(IO_BASE + register.offset, register.bytes);
  }
  write(register: Register, value: number): void {
    this.bus.out(IO_BASE + register.offset, register.bytes, value);
  }

  /** Sets queue `index` up on a fresh ring at `address`. */
  setUpQueue(index: number, address: number): FakeRing {
    this.write(LEGACY.queueSelect, index);
    const ring = new FakeRing(this.ram, address, this.read(LEGACY.queueSize));
    this.write(LEGACY.queuePfn, address / 4096);
    return ring;
  }
  kick(index: number): void {
    this.write(LEGACY.queueNotify, index);
  }

  /** MSI-X on, and `vectors` entries unmasked as messages to CPU 0 with data = 64 + vector. */
  enableMsix(vectors: number): void {
    this.configWrite(MSIX_CONTROL, 2, 0x8000);
    for (let vector = 0; vector < vectors; vector++) {
      this.bus.mmioWrite(MEMORY_BASE + 16 * vector, 4, 0xfee0_0000);
      this.bus.mmioWrite(MEMORY_BASE + 16 * vector + 8, 4, 64 + vector);
      this.maskVector(vector, false);
    }
  }
  maskVector(vector: number, masked: boolean): void {
    this.bus.mmioWrite(MEMORY_BASE + 16 * vector + 12, 4, masked ? 1 : 0);
  }
  pendingVectors(): number {
    return this.bus.mmioRead(MEMORY_BASE + 0x800, 4);
  }

  put(address: number, bytes: Uint8Array): void {
    this.ram.memory.writeBytes(address - this.ram.base, bytes, 0);
  }
  get(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.ram.memory.readBytes(address - this.ram.base, bytes, 0);
    return bytes;
  }

  #select(offset: number): void {
    const address = configAddress({ bus: 0, slot: this.#slot, function: 0 }, offset);
    this.bus.out(CONFIG_ADDRESS_PORT, 4, address);
  }
}
