/**
 * A device that means harm, as a bus between a guest and an honest device: registers that lie, wrong ids and lengths in
 * the used ring, entries twice or never, indices that jump, descriptors scribbled over, interrupts at random, a device
 * that vanishes. It learns where the rings are from the driver's own writes. Everything follows from a seed.
 */
import type { InterruptController } from "../../bus/interrupt-controller.ts";
import { allOnes, type PortBus, type Width } from "../../bus/port-bus.ts";
import type { Ram } from "../../memory/ram.ts";
import { LEGACY } from "../../wire/legacy-registers.ts";
import { PAGE_SIZE } from "../../wire/numbers.ts";
import type { Random } from "../../wire/random.ts";
import { isQueueSize, type RingLayout, ringLayout, USED_ELEMENT_BYTES } from "../../wire/ring.ts";

const BAR_MASK = 0xff80;
const FIRST_IO = 0xc000;
const VALUES = [0, 1, 2, 3, 15, 16, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0xffff_ffff];

interface KnownRing {
  readonly layout: RingLayout;
  readonly offset: number;
}

export interface HostileDeviceOptions {
  readonly bus: PortBus;
  readonly ram: Ram;
  readonly controller: InterruptController;
  readonly random: Random;
  /** Lies told and bytes scribbled, by kind: added to. */
  readonly counts: Map<string, number>;
}

export class HostileDevice implements PortBus {
  /** While honest it only watches. */
  honest = true;
  readonly #counts: Map<string, number>;
  readonly #bus: PortBus;
  readonly #ram: Ram;
  readonly #controller: InterruptController;
  #random: Random;
  readonly #rings = new Map<number, KnownRing>();
  #selected = 0;
  #vanished = false;

  constructor({ bus, ram, controller, random, counts }: HostileDeviceOptions) {
    this.#bus = bus;
    this.#ram = ram;
    this.#controller = controller;
    this.#random = random;
    this.#counts = counts;
  }

  /** A new round: what was known of the last guest's rings is forgotten, and lies follow from a seed of their own. */
  forget(random: Random): void {
    this.#random = random;
    this.#rings.clear();
    this.#vanished = false;
  }

  in(port: number, width: Width): number {
    const truth = this.#bus.in(port, width);
    if (this.honest) return truth;
    if (this.#vanished && port >= FIRST_IO) return allOnes(width);
    return port >= FIRST_IO && this.#chance(3) ? this.#lie("register lie", width) : truth;
  }

  out(port: number, width: Width, value: number): void {
    this.#watch(port, value);
    this.#bus.out(port, width, value);
  }

  mmioRead(address: number, width: Width): number {
    const truth = this.#bus.mmioRead(address, width);
    return !this.honest && this.#chance(3) ? this.#lie("MSI-X lie", width) : truth;
  }

  mmioWrite(address: number, width: Width, value: number): void {
    this.#bus.mmioWrite(address, width, value);
  }

  /** One malicious act against whatever rings there are: what it is follows from its own randomness. */
  tamper(random: Random): void {
    const lies = this.#random;
    this.#random = random;
    this.#actOnce();
    this.#random = lies;
  }

  #actOnce(): void {
    const ring = [...this.#rings.values()][this.#below(Math.max(1, this.#rings.size))];
    const act = this.#below(100);
    if (act < 15) this.#interrupt();
    else if (act === 15) this.#vanish();
    else if (ring === undefined) this.#interrupt();
    else if (act < 45) this.#completeWrongly(ring);
    else if (act < 65)
      this.#scribble(ring, "used element", ring.layout.usedRing, USED_ELEMENT_BYTES * ring.layout.size);
    else if (act < 75) this.#setUsedIndex(ring, this.#random.next() & 0xffff);
    else if (act < 90) this.#scribble(ring, "descriptor", 0, ring.layout.availFlags);
    else this.#scribble(ring, "avail ring", ring.layout.availFlags, 4 + 2 * ring.layout.size);
  }

  /** A completion that looks right at a glance: the next index, with an id and a length of its own choice. */
  #completeWrongly(ring: KnownRing): void {
    const { memory } = this.#ram;
    const index = memory.load16(ring.offset + ring.layout.usedIndex, 0);
    const at = ring.offset + ring.layout.usedRing + USED_ELEMENT_BYTES * (index & (ring.layout.size - 1));
    memory.write32(at, this.#chance(70) ? this.#below(ring.layout.size) : this.#value(), 0);
    memory.write32(at + 4, this.#chance(50) ? this.#below(64) : this.#value(), 0);
    this.#setUsedIndex(ring, (index + 1) & 0xffff);
    this.#count("wrong completion");
    this.#interrupt();
  }

  #setUsedIndex(ring: KnownRing, index: number): void {
    this.#ram.memory.store16(ring.offset + ring.layout.usedIndex, index, 0);
    this.#count("used index");
  }

  #scribble(ring: KnownRing, kind: string, from: number, bytes: number): void {
    const at = ring.offset + from + 4 * this.#below(Math.max(1, Math.floor(bytes / 4)));
    this.#ram.memory.write32(at, this.#value(), 0);
    this.#count(kind);
  }

  #interrupt(): void {
    this.#count("interrupt");
    if (this.#chance(50)) this.#controller.post(0x30 + this.#below(8));
    else if (this.#chance(90)) this.#controller.postLine(this.#below(4));
    else this.#controller.post(this.#random.next() & 0xff);
  }

  #vanish(): void {
    this.#vanished = true;
    this.#count("vanished");
  }

  #watch(port: number, value: number): void {
    if (port < FIRST_IO) return;
    const offset = port & ~BAR_MASK;
    if (offset === LEGACY.queueSelect.offset) this.#selected = value;
    if (offset !== LEGACY.queuePfn.offset) return;
    this.#rings.delete(this.#selected);
    const size = this.#bus.in((port & BAR_MASK) + LEGACY.queueSize.offset, 2);
    const layout = isQueueSize(size) ? ringLayout(size) : undefined;
    const at = layout === undefined ? -1 : this.#ram.offsetOf(value * PAGE_SIZE, layout.bytes);
    if (value !== 0 && layout !== undefined && at >= 0)
      this.#rings.set(this.#selected, { layout, offset: at });
  }

  #lie(kind: string, width: Width): number {
    this.#count(kind);
    return (this.#value() & allOnes(width)) >>> 0;
  }
  #count(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }
  #below(limit: number): number {
    return this.#random.next() % limit;
  }
  #chance(percent: number): boolean {
    return this.#below(100) < percent;
  }
  #value(): number {
    return this.#chance(70) ? (VALUES[this.#below(VALUES.length)] ?? 0) : this.#random.next();
  }
}
