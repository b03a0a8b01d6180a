/**
 * A conversation between a driver and a device, played by the test: every access is made at its site on recorded
 * memory or told as a bus access, with a monitor that sees both sides. Left alone it breaks no statement.
 */
import { allocateShared } from "../../src/memory/attach.ts";
import { LiveMemory } from "../../src/memory/live-memory.ts";
import { type ControlPlan, planControl } from "../../src/memory/plan.ts";
import { Ram } from "../../src/memory/ram.ts";
import { RecordedMemory } from "../../src/memory/recorded-memory.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";
import type { Side } from "../../src/monitor/moments.ts";
import { Monitor } from "../../src/monitor/monitor.ts";
import { LEGACY, type LegacyRegister } from "../../src/wire/legacy-registers.ts";
import { CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT, configAddress, PCI } from "../../src/wire/pci.ts";
import { needEvent, type RingLayout, ringLayout } from "../../src/wire/ring.ts";
import { type SiteLabel, site } from "../../src/wire/sites.ts";
import { VIRTIO_TYPE } from "../../src/wire/virtio-ids.ts";

const SLOT = 4;
const IO = 0xc000;
const BARS = { memory: 0xfe00_0000 };
export const MSIX_AT = 0x50;
const RAM_BYTES = 1 << 20;
const BUFFERS_AT = 0x8_0000;
const TABLES_AT = 0xe_0000;
const CPU_VECTOR = 64;

export type TypeName = keyof typeof VIRTIO_TYPE;

export interface TalkOptions {
  readonly offer?: number;
  readonly accept?: number;
  readonly size?: number;
  readonly queues?: number;
  /** Table size; MSI-X is switched on. */
  readonly msix?: number;
  /** Whose accesses to memory the monitor sees; both unless said. */
  readonly sides?: readonly Side[];
  readonly cpus?: number;
  /** I/O threads serve queues, too. */
  readonly elsewhere?: boolean;
  readonly identity?: Partial<Record<"vendor" | "device" | "revision" | "subsystem", number>>;
}

export interface Part {
  readonly length: number;
  readonly write?: boolean;
  readonly bytes?: readonly number[];
  readonly address?: number;
}

interface Descriptor {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
  readonly next?: number;
}

interface PlayedQueue {
  readonly base: number;
  readonly layout: RingLayout;
  avail: number;
  used: number;
  taken: number;
  collected: number;
  kicked: number;
  signalled: number;
  free: number;
  readonly parts: Map<number, readonly Required<Part>[]>;
}

export class Talk {
  readonly ram: Ram;
  readonly quiet: LiveMemory;
  readonly monitor: Monitor;
  readonly type: TypeName;
  readonly options: TalkOptions;
  readonly #recorded: RecordedMemory;
  readonly #control: SharedMemory;
  readonly #sides: readonly Side[];
  readonly #plan: ControlPlan;
  readonly #queues = new Map<number, PlayedQueue>();
  #nextBuffer = BUFFERS_AT;
  #nextTable = TABLES_AT;
  isr = 0;

  constructor(type: TypeName, options: TalkOptions = {}) {
    this.type = type;
    this.options = options;
    const buffer = allocateShared(RAM_BYTES);
    this.quiet = new LiveMemory(buffer);
    this.ram = new Ram(this.quiet);
    this.#sides = options.sides ?? ["driver", "device"];
    this.#plan = planControl({ cpus: options.cpus ?? 1, functions: 4 });
    this.monitor = new Monitor({
      ram: this.ram,
      plan: this.#plan,
      slotOf: (index) => (index === 0 ? SLOT : undefined),
      servedElsewhere: () => options.elsewhere ?? false,
      sides: this.#sides,
      tolerate: false,
    });
    this.#recorded = new RecordedMemory(this.quiet, this.monitor.observer);
    const control = new LiveMemory(allocateShared(this.#plan.bytes));
    const seen = this.#sides.includes("device");
    this.#control = seen ? new RecordedMemory(control, this.monitor.observer) : control;
  }
  #memory(label: SiteLabel): SharedMemory {
    return this.#sides.some((side) => label.startsWith(side)) ? this.#recorded : this.quiet;
  }

  /* The bus. */
  bus(
    write: boolean,
    address: number,
    width: number,
    value: number,
    space: "port" | "memory" = "port",
  ): void {
    this.monitor.observer.access({ space, write, address, width, value });
  }
  pci(write: boolean, offset: number, width: number, value: number): void {
    this.bus(true, CONFIG_ADDRESS_PORT, 4, configAddress({ bus: 0, slot: SLOT, function: 0 }, offset));
    this.bus(write, CONFIG_DATA_PORT + (offset & 3), width, value);
  }
  read(name: LegacyRegister, value: number): void {
    this.bus(false, IO + LEGACY[name].offset, LEGACY[name].bytes, value);
  }
  write(name: LegacyRegister, value: number): void {
    this.bus(true, IO + LEGACY[name].offset, LEGACY[name].bytes, value);
  }
  raw(write: boolean, offset: number, width: number, value = 0): void {
    this.bus(write, IO + offset, width, value);
  }
  get configBase(): number {
    return this.options.msix === undefined ? 20 : 24;
  }
  configRead(offset: number, value: number, width = 1): void {
    this.raw(false, this.configBase + offset, width, value);
  }
  configWrite(offset: number, value: number, width = 1): void {
    this.raw(true, this.configBase + offset, width, value);
  }
  /** Byte by byte, twice: as a driver reads what may change under its hands. */
  configField(offset: number, bytes: number, value: number): void {
    for (let pass = 0; pass < 2; pass++) {
      for (let byte = 0; byte < bytes; byte++)
        this.configRead(offset + byte, Math.floor(value / 256 ** byte) & 0xff);
    }
  }

  /* The life of a device. */
  find(): this {
    const { vendor, device, revision, subsystem } = this.options.identity ?? {};
    const type = VIRTIO_TYPE[this.type];
    this.pci(false, PCI.vendorId, 2, vendor ?? 0x1af4);
    this.pci(false, PCI.deviceId, 2, device ?? type.pciDevice);
    this.pci(false, PCI.revisionId, 1, revision ?? 0);
    this.pci(false, PCI.headerType, 1, 0);
    this.pci(false, PCI.subsystemId, 2, subsystem ?? type.id);
    if (this.options.msix !== undefined) {
      this.pci(false, PCI.capabilityPointer, 1, MSIX_AT);
      this.pci(false, MSIX_AT, 2, 0x11);
      this.pci(false, MSIX_AT + 2, 2, this.options.msix - 1);
    }
    this.pci(true, PCI.bar0, 4, 0xffff_ffff);
    this.pci(false, PCI.bar0, 4, 0xffff_ffc1);
    this.pci(true, PCI.bar0, 4, IO);
    this.pci(true, PCI.bar0 + 4, 4, BARS.memory);
    this.pci(true, PCI.command, 2, 7);
    if (this.options.msix !== undefined) this.msix(true);
    return this;
  }
  msix(on: boolean): void {
    this.pci(true, MSIX_AT + 2, 2, ((this.options.msix ?? 1) - 1) | (on ? 0x8000 : 0));
    for (let vector = 0; vector < (this.options.msix ?? 0); vector++) {
      this.bus(true, BARS.memory + 16 * vector + 8, 4, CPU_VECTOR + vector, "memory");
    }
  }
  reset(): this {
    this.write("status", 0);
    this.read("status", 0);
    this.#queues.clear();
    return this;
  }
  /** As far as the features. */
  negotiate(): this {
    this.reset();
    this.write("status", 1);
    this.write("status", 3);
    this.read("hostFeatures", this.options.offer ?? 0);
    this.write("guestFeatures", this.options.accept ?? 0);
    return this;
  }
  ready(): this {
    this.write("status", 7);
    return this;
  }
  /** Everything up to DRIVER_OK, with queues 0 to `queues` - 1. */
  boot(queues = this.options.queues ?? 1): this {
    this.find().negotiate();
    for (let index = 0; index < queues; index++) this.setUp(index);
    return this.ready();
  }
  mapVector(name: "configVector" | "queueVector", vector: number, answer = vector): void {
    this.write(name, vector);
    this.read(name, answer);
  }
  setUp(index: number): this {
    const size = this.options.size ?? 8;
    const base = 0x1_0000 * (index + 1);
    this.write("queueSelect", index);
    this.read("queueSize", size);
    this.quiet.fill(base, ringLayout(size).bytes, 0, 0);
    this.place(index, base, size);
    return this;
  }
  place(index: number, base: number, size: number): void {
    this.write("queuePfn", (this.ram.base + base) / 4096);
    const counts = { avail: 0, used: 0, taken: 0, collected: 0, kicked: 0, signalled: 0, free: 0 };
    this.#queues.set(index, { base, layout: ringLayout(size), parts: new Map(), ...counts });
  }

  /* Memory. */
  queue(index = 0): PlayedQueue {
    const queue = this.#queues.get(index);
    if (queue === undefined) throw new Error(`queue ${index} was not set up`);
    return queue;
  }
  store16(label: SiteLabel, offset: number, value: number): void {
    this.#memory(label).store16(offset, value, site(label));
  }
  store32(label: SiteLabel, offset: number, value: number): void {
    this.#memory(label).write32(offset, value, site(label));
  }
  look16(label: SiteLabel, offset: number): number {
    return this.#memory(label).load16(offset, site(label));
  }
  #look32(label: SiteLabel, offset: number): void {
    this.#memory(label).read32(offset, site(label));
  }
  touch(side: "driver" | "device", write: boolean, address: number, length: number): void {
    this.monitor.observer.range(
      site(`${side}: buffer`),
      address - this.ram.base,
      length,
      write ? "write" : "read",
    );
  }
  address(length: number): number {
    const at = this.#nextBuffer;
    this.#nextBuffer += Math.ceil(length / 64) * 64;
    return this.ram.base + at;
  }
  put(address: number, bytes: readonly number[]): void {
    this.quiet.writeBytes(address - this.ram.base, Uint8Array.from(bytes), 0);
  }

  /* The driver. */
  descriptor(index: number, queue: number, { address, length, flags, next = 0 }: Descriptor): void {
    this.descriptorAt(this.queue(queue).base + 16 * index, { address, length, flags, next });
  }
  descriptorAt(at: number, { address, length, flags, next = 0 }: Descriptor): void {
    const label = "driver: write descriptor";
    this.store32(label, at, address % 2 ** 32);
    this.store32(label, at + 4, Math.floor(address / 2 ** 32));
    this.store32(label, at + 8, length);
    this.store32(label, at + 12, flags | (next << 16));
  }
  entry(head: number, index = 0): void {
    const queue = this.queue(index);
    const slot = queue.avail & (queue.layout.size - 1);
    this.store16("driver: write avail ring entry", queue.base + queue.layout.availRing + 2 * slot, head);
    queue.avail = (queue.avail + 1) & 0xffff;
  }
  publish(index = 0, value = this.queue(index).avail): void {
    const queue = this.queue(index);
    this.store16("driver: publish avail.idx", queue.base + queue.layout.availIndex, value);
  }
  /** Reads the suppression word; true: a kick is wanted. */
  kickWanted(index = 0): boolean {
    const queue = this.queue(index);
    const before = queue.kicked;
    queue.kicked = queue.avail;
    if (((this.options.accept ?? 0) >>> 29) & 1) {
      return needEvent(
        this.look16("driver: read avail_event", queue.base + queue.layout.availEvent),
        queue.avail,
        before,
      );
    }
    return (this.look16("driver: read used.flags", queue.base + queue.layout.usedFlags) & 1) === 0;
  }
  kick(index = 0): void {
    this.write("queueNotify", index);
  }
  /** Descriptors for the parts, from the next free one on; returns the head. */
  write_chain(parts: readonly Part[], index = 0): number {
    const queue = this.queue(index);
    const head = queue.free;
    const filled = parts.map((part) => this.#fill(part));
    filled.forEach(({ address, length, write }, at) => {
      const last = at === parts.length - 1;
      const next = last ? 0 : head + at + 1;
      this.descriptor(head + at, index, { address, length, flags: (write ? 2 : 0) | (last ? 0 : 1), next });
    });
    queue.free += parts.length;
    queue.parts.set(head, filled);
    return head;
  }
  #fill(part: Part): Required<Part> {
    const address = part.address ?? this.address(part.length);
    if (part.bytes !== undefined) this.put(address, part.bytes);
    return { address, length: part.length, write: part.write ?? false, bytes: part.bytes ?? [] };
  }
  /** A buffer, all the way to the kick. */
  offer(parts: readonly Part[], index = 0): number {
    const head = this.write_chain(parts, index);
    this.entry(head, index);
    this.publish(index);
    if (this.kickWanted(index)) this.kick(index);
    return head;
  }
  /** An indirect table of these descriptors, and the descriptor that points to it. */
  indirect(entries: readonly Descriptor[], index = 0, flags = 4): number {
    const at = this.#nextTable;
    this.#nextTable += 16 * entries.length;
    entries.forEach((entry, k) => {
      this.descriptorAt(at + 16 * k, entry);
    });
    const queue = this.queue(index);
    this.descriptor(queue.free, index, { address: this.ram.base + at, length: 16 * entries.length, flags });
    return queue.free++;
  }
  collect(index = 0): void {
    const queue = this.queue(index);
    const now = this.look16("driver: read used.idx", queue.base + queue.layout.usedIndex);
    while (queue.collected !== now) {
      const at = queue.base + queue.layout.usedRing + 8 * (queue.collected & (queue.layout.size - 1));
      this.#look32("driver: read used element", at);
      this.#look32("driver: read used element", at + 4);
      queue.collected = (queue.collected + 1) & 0xffff;
    }
  }

  /* The device. */
  take(index = 0): void {
    const queue = this.queue(index);
    const now = this.look16("device: read avail.idx", queue.base + queue.layout.availIndex);
    while (queue.taken !== now) {
      const slot = queue.taken & (queue.layout.size - 1);
      this.look16("device: read avail ring entry", queue.base + queue.layout.availRing + 2 * slot);
      queue.taken = (queue.taken + 1) & 0xffff;
    }
  }
  /** Writes into the writable part, from its beginning. */
  answer(head: number, bytes: readonly number[], index = 0): void {
    let done = 0;
    for (const part of this.queue(index).parts.get(head) ?? []) {
      if (!part.write || done >= bytes.length) continue;
      const now = bytes.slice(done, done + part.length);
      const label = "device: buffer";
      this.#memory(label).writeBytes(part.address - this.ram.base, Uint8Array.from(now), site(label));
      done += now.length;
    }
  }
  element(id: number, length: number, index = 0): void {
    const queue = this.queue(index);
    const at = queue.base + queue.layout.usedRing + 8 * (queue.used & (queue.layout.size - 1));
    this.store32("device: write used element", at, id);
    this.store32("device: write used element", at + 4, length);
    queue.used = (queue.used + 1) & 0xffff;
  }
  publishUsed(index = 0, value = this.queue(index).used): void {
    const queue = this.queue(index);
    this.store16("device: publish used.idx", queue.base + queue.layout.usedIndex, value);
  }
  interruptWanted(index = 0): boolean {
    const queue = this.queue(index);
    const before = queue.signalled;
    queue.signalled = queue.used;
    if (((this.options.accept ?? 0) >>> 29) & 1) {
      return needEvent(
        this.look16("device: read used_event", queue.base + queue.layout.usedEvent),
        queue.used,
        before,
      );
    }
    return (this.look16("device: read avail.flags", queue.base + queue.layout.availFlags) & 1) === 0;
  }
  raise(bits = 1): void {
    this.isr |= bits;
    this.#control.or32(this.#plan.functions[0]?.isr ?? 0, bits, site("isr: set"));
  }
  /** Of the device's own accord, as in a reset. */
  clearIsr(): void {
    this.isr = 0;
    this.#control.exchange32(this.#plan.functions[0]?.isr ?? 0, 0, site("isr: read and clear"));
  }
  line(): void {
    this.#control.or32(this.#plan.intxLines, 1, site("intx: assert line"));
  }
  message(vector: number): void {
    const at = (this.#plan.cpus[0]?.vectors ?? 0) + 4 * (vector >>> 5);
    this.#control.or32(at, 1 << (vector & 31), site("msi: post vector"));
  }
  /** A chain comes back with these bytes in it, and the driver collects it. */
  give(head: number, bytes: readonly number[] = [], index = 0, length = bytes.length): void {
    this.answer(head, bytes, index);
    this.element(head, length, index);
    this.deliver(index);
  }
  /** used.idx, the decision, the interrupt and the driver's answer to it. */
  deliver(index = 0): void {
    this.publishUsed(index);
    if (this.interruptWanted(index)) {
      this.raise();
      if (this.options.msix === undefined) this.line();
    }
    if (this.options.msix === undefined && this.isr !== 0) this.readIsr();
    this.collect(index);
  }
  readIsr(): void {
    this.read("isr", this.isr);
    this.isr = 0;
  }
  /** The whole way of one buffer. */
  round(parts: readonly Part[], bytes: readonly number[] = [], index = 0): number {
    const head = this.offer(parts, index);
    this.take(index);
    this.give(head, bytes, index);
    return head;
  }
  configChange(): void {
    this.raise(2);
  }
  idle(): void {
    this.monitor.observer.sleep(0, true);
  }
}
