/**
 * A driver that means harm: register storms, wrong widths, bring-up in any order, malformed chains, loops, addresses
 * outside RAM, indices that jump, rings in odd places. It knows the layouts, so that its lies get past the first check.
 * Everything it does follows from a seed.
 */
import type { PortBus, Width } from "../../bus/port-bus.ts";
import type { Ram } from "../../memory/ram.ts";
import { BLK_TYPE } from "../../wire/blk.ts";
import { LEGACY, type LegacyRegister } from "../../wire/legacy-registers.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../../wire/numbers.ts";
import { COMMAND, CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT, configAddress, PCI } from "../../wire/pci.ts";
import { Random } from "../../wire/random.ts";
import {
  DESCRIPTOR,
  DESCRIPTOR_BYTES,
  MAX_QUEUE_SIZE,
  type RingLayout,
  ringLayout,
} from "../../wire/ring.ts";

const WIDTHS: readonly Width[] = [1, 2, 4];
const IO_BASE = 0xc000;
const MMIO_BASE = 0xe000_0000;
const REGISTERS = Object.keys(LEGACY) as LegacyRegister[];
const VALUES = [
  0, 1, 2, 3, 4, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];

interface LiveRing {
  readonly queue: number;
  readonly layout: RingLayout;
  readonly offset: number;
  avail: number;
}

export interface HostileDriverOptions {
  readonly bus: PortBus;
  readonly ram: Ram;
  readonly slot: number;
  readonly queues: number;
}

export class HostileDriver {
  /** Malformed (or at least unkind) inputs so far, by kind. */
  readonly counts = new Map<string, number>();
  readonly #bus: PortBus;
  readonly #ram: Ram;
  /** Of the input at hand: each has its own, so that others can be left out. */
  #random = new Random(0);
  readonly #slot: number;
  readonly #queues: number;
  readonly #rings: LiveRing[] = [];
  readonly #actions: readonly (readonly [weight: number, name: string, act: () => void])[];
  readonly #weights: number;

  constructor(options: HostileDriverOptions) {
    this.#bus = options.bus;
    this.#ram = options.ram;
    this.#slot = options.slot;
    this.#queues = options.queues;
    this.#actions = [
      [8, "register read", () => this.#registerRead()],
      [8, "register write", () => this.#registerWrite()],
      [4, "status write", () => this.#out("status", this.#random.next() & 0xff)],
      [4, "queue set up", () => this.#setUpQueue()],
      [30, "chain", () => this.#writeChain()],
      [10, "index jump", () => this.#jumpIndex()],
      [6, "ring scribble", () => this.#scribbleRing()],
      [6, "buffer scribble", () => this.#scribbleBuffer()],
      [16, "kick", () => this.#out("queueNotify", this.#pick([...Array(this.#queues).keys(), 0xffff]))],
      [5, "MSI-X access", () => this.#msix()],
      [2, "configuration write", () => this.#config()],
      [1, "reset", () => this.#reset()],
    ];
    this.#weights = this.#actions.reduce((sum, [weight]) => sum + weight, 0);
  }

  /** Puts the function where the rest expects it: BARs, decoding, bus mastering. */
  place(): void {
    this.#configWrite(PCI.bar0, IO_BASE);
    this.#configWrite(PCI.bar0 + 4, MMIO_BASE);
    this.#configWrite(PCI.command, COMMAND.IO | COMMAND.MEMORY | COMMAND.BUS_MASTER);
  }

  /** One hostile input: what it is follows from its randomness, and from what came before. */
  act(random: Random): void {
    this.#random = random;
    let ticket = this.#below(this.#weights);
    for (const [weight, name, act] of this.#actions) {
      ticket -= weight;
      if (ticket >= 0) continue;
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      act();
      return;
    }
  }

  /** Somebody else has had the device. */
  forget(): void {
    this.#rings.length = 0;
  }

  #below(limit: number): number {
    return this.#random.next() % limit;
  }
  #chance(percent: number): boolean {
    return this.#below(100) < percent;
  }
  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T;
  }
  #value(): number {
    return this.#chance(70) ? this.#pick(VALUES) : this.#random.next();
  }

  #out(register: LegacyRegister, value: number): void {
    const { offset, bytes } = LEGACY[register];
    this.#bus.out(IO_BASE + offset, bytes, bytes === 4 ? value >>> 0 : value & (2 ** (8 * bytes) - 1));
  }
  #in(register: LegacyRegister): number {
    const { offset, bytes } = LEGACY[register];
    return this.#bus.in(IO_BASE + offset, bytes);
  }
  #configWrite(offset: number, value: number): void {
    this.#bus.out(CONFIG_ADDRESS_PORT, 4, configAddress({ bus: 0, slot: this.#slot, function: 0 }, offset));
    this.#bus.out(CONFIG_DATA_PORT, 4, value >>> 0);
  }

  #registerRead(): void {
    this.#bus.in(IO_BASE + this.#below(140), this.#pick(WIDTHS));
  }
  #registerWrite(): void {
    if (this.#chance(50)) this.#out(this.#pick(REGISTERS), this.#value());
    else {
      const width = this.#pick(WIDTHS);
      this.#bus.out(IO_BASE + this.#below(140), width, width === 4 ? this.#value() : this.#value() & 0xff);
    }
    // What stood behind a queue may be gone now; a ring that is not live any more is still a place to write.
  }

  /** A queue with a real ring in RAM, mostly; sometimes at an address that is none. */
  #setUpQueue(): void {
    const queue = this.#below(this.#queues);
    this.#out("queueSelect", queue);
    const size = this.#in("queueSize");
    if (size === 0 || size > MAX_QUEUE_SIZE) return;
    const layout = ringLayout(size);
    if (this.#chance(20)) {
      this.#out("queuePfn", this.#value());
      return;
    }
    this.#out("guestFeatures", this.#chance(80) ? this.#in("hostFeatures") : this.#value());
    const pages = (this.#ram.size - layout.bytes) / PAGE_SIZE;
    const offset = this.#below(Math.max(1, Math.floor(pages))) * PAGE_SIZE;
    if (offset + layout.bytes > this.#ram.size) return;
    this.#ram.memory.fill(offset, layout.bytes, 0, 0);
    this.#out("queuePfn", this.#ram.addressOf(offset) >>> PAGE_SHIFT);
    this.#rings.push({ queue, layout, offset, avail: 0 });
    if (this.#rings.length > 8) this.#rings.shift();
  }

  /** A chain that is wrong in some places and right in others, made available and kicked. */
  #writeChain(): void {
    // A queue is broken by the first breach: most chains should meet one that is whole.
    if (this.#chance(30)) this.#setUpQueue();
    const ring = this.#rings.at(-1);
    if (ring === undefined) return;
    const { memory } = this.#ram;
    const { size, availRing, availIndex } = ring.layout;
    const head = this.#below(size);
    const length = 1 + this.#below(Math.min(size, 6));
    for (let step = 0; step < length; step++) {
      const index = (head + step) % size;
      this.#writeDescriptor(
        ring.offset + DESCRIPTOR_BYTES * index,
        (index + 1) % size,
        step + 1 < length,
        step,
      );
    }
    memory.write16(
      ring.offset + availRing + 2 * (ring.avail & (size - 1)),
      this.#chance(90) ? head : this.#value(),
      0,
    );
    ring.avail = (ring.avail + 1) & 0xffff;
    memory.store16(ring.offset + availIndex, ring.avail, 0);
    if (this.#chance(60)) this.#out("queueNotify", ring.queue);
  }

  #writeDescriptor(at: number, next: number, more: boolean, step: number): void {
    const { memory } = this.#ram;
    const flags = this.#chance(90)
      ? (more ? 1 : 0) | (step > 0 && this.#chance(60) ? 2 : 0)
      : this.#below(16);
    memory.write32(at + DESCRIPTOR.addressLow, this.#address(), 0);
    memory.write32(at + DESCRIPTOR.addressHigh, this.#chance(97) ? 0 : this.#value(), 0);
    memory.write32(at + DESCRIPTOR.length, this.#length(step), 0);
    memory.write16(at + DESCRIPTOR.flags, flags, 0);
    memory.write16(at + DESCRIPTOR.next, this.#chance(95) ? next : this.#value(), 0);
  }

  #address(): number {
    if (this.#chance(85)) return this.#ram.addressOf(this.#below(this.#ram.size)) >>> 0;
    return this.#pick([0, this.#ram.base - 1, this.#ram.addressOf(this.#ram.size - 1), this.#value()]);
  }
  #length(step: number): number {
    if (step === 0 && this.#chance(60)) return 16;
    return this.#chance(80) ? this.#pick([0, 1, 8, 12, 16, 20, 512, 1024, 4096]) : this.#value();
  }

  #jumpIndex(): void {
    const ring = this.#anyRing();
    if (ring === undefined) return;
    ring.avail = this.#chance(50) ? (ring.avail + this.#below(3)) & 0xffff : this.#value() & 0xffff;
    this.#ram.memory.store16(ring.offset + ring.layout.availIndex, ring.avail, 0);
  }

  #scribbleRing(): void {
    const ring = this.#anyRing();
    if (ring === undefined) return;
    const at = ring.offset + 4 * this.#below(Math.floor(ring.layout.bytes / 4));
    this.#ram.memory.write32(at, this.#value(), 0);
  }

  /** Request headers that say something: small types, sectors near the ends. */
  #scribbleBuffer(): void {
    const at = 4 * this.#below(Math.floor((this.#ram.size - 16) / 4));
    const { memory } = this.#ram;
    memory.write32(at, this.#chance(80) ? this.#pick(Object.values(BLK_TYPE)) : this.#value(), 0);
    memory.write32(at + 8, this.#chance(80) ? this.#below(4096) : this.#value(), 0);
    memory.write32(at + 12, this.#chance(90) ? 0 : this.#value(), 0);
  }

  #msix(): void {
    const at = MMIO_BASE + this.#below(4100);
    const width = this.#pick(WIDTHS);
    if (this.#chance(40)) this.#bus.mmioRead(at, width);
    else this.#bus.mmioWrite(at, width, width === 4 ? this.#value() : this.#value() & 0xff);
  }

  #config(): void {
    this.#configWrite(4 * this.#below(64), this.#value());
    this.place();
  }

  #reset(): void {
    this.#out("status", 0);
    this.#rings.length = 0;
  }

  #anyRing(): LiveRing | undefined {
    return this.#rings.length === 0 ? undefined : this.#pick(this.#rings);
  }
}
