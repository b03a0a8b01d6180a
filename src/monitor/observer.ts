/**
 * Turns what one thread does (bus accesses, memory accesses, sleeps) into moments, and keeps the model. Rules are
 * asked before a moment counts, so they see the state that it meets.
 *
 * A machine on two threads has two observers, each with its own thread's accesses in program order; the bus is seen at
 * both ends. What one side published is checked where it is published and again where the other side takes it in,
 * whichever of the two this observer sees.
 */
import type { BusNews } from "../bus/watched-bus.ts";
import type { ControlPlan } from "../memory/plan.ts";
import type { Ram } from "../memory/ram.ts";
import type { MemoryWatcher } from "../memory/recorded-memory.ts";
import { type Access, FunctionTable, type FunctionView } from "../observe/record/functions.ts";
import { PAGE_SIZE } from "../wire/numbers.ts";
import { ringLayout } from "../wire/ring.ts";
import { type Site, site } from "../wire/sites.ts";
import { ControlWatch } from "./control-watch.ts";
import { Device, type Order, Queue } from "./model.ts";
import type { MomentName, Moments, Rule, Side } from "./moments.ts";
import { Peek } from "./peek.ts";
import { RegisterWatch } from "./register-watch.ts";
import { RingMap } from "./ring-map.ts";
import { RingWatch } from "./ring-watch.ts";
import { PART, type Page, type Part, type RuleBook } from "./rule-book.ts";

export interface ObserverOptions {
  /** RAM as the observer may look at it, unrecorded. */
  readonly ram: Ram;
  /** Whose accesses to memory are seen. */
  readonly sides: readonly Side[];
  /** The control page and which slot has which function of it; without it interrupts are not seen. */
  readonly plan?: ControlPlan;
  readonly slotOf?: (functionIndex: number) => number | undefined;
  /** Whether threads that are not seen here serve queues of the function in a slot, and raise its interrupts. */
  readonly servedElsewhere?: (slot: number) => boolean;
  /** Has everything that has happened at the bus by now told: where this thread only hears of it. */
  readonly listen?: (() => void) | undefined;
}

/** A function that was set up before anybody watched. */
export interface Adopted {
  readonly slot: number;
  readonly ioBase: number;
  readonly status: number;
  readonly features: number;
  /** Offset of its MSI-X capability, which is on; 0: off. */
  readonly msixAt: number;
  readonly queues: readonly AdoptedQueue[];
}
export interface AdoptedQueue {
  readonly index: number;
  readonly size: number;
  /** Guest-physical address of the ring. */
  readonly address: number;
  /** Where its indices begin. */
  readonly startAt: number;
  readonly vector: number;
}

/** Who is told of moments. */
export interface Audience {
  readonly book: RuleBook;
  /** Asks `rules`, in this order. Moments are used again: do not keep them. */
  ask<Name extends MomentName>(rules: readonly Rule<Name>[], moment: Moments[Name]): void;
}

const DRIVER_BUFFER = site("driver: buffer");
const DEVICE_BUFFER = site("device: buffer");

export class Observer implements MemoryWatcher {
  readonly peek: Peek;
  readonly sides: readonly Side[];
  readonly rings: RingMap;
  devices: readonly Device[] = [];
  private readonly audience: Audience;
  readonly #devices = new Map<FunctionView, Device>();
  readonly #table: FunctionTable;
  readonly #registers: RegisterWatch;
  private readonly ringWatch: RingWatch;
  readonly #control: ControlWatch | undefined;
  readonly #servedElsewhere: (slot: number) => boolean;
  readonly #order: Order;
  /** The bus is heard of: see `ObserverOptions`. */
  readonly listen: () => void;
  /** What is heard of the bus is another observer's to judge. */
  private hearing = false;

  constructor(options: ObserverOptions, audience: Audience) {
    this.peek = new Peek(options.ram);
    this.sides = options.sides;
    this.rings = new RingMap(options.ram);
    this.audience = audience;
    this.#registers = new RegisterWatch(this);
    this.ringWatch = new RingWatch(this);
    this.#servedElsewhere = options.servedElsewhere ?? (() => false);
    this.#order = {
      manyCpus: (options.plan?.cpus.length ?? 1) > 1,
      busHeard: options.listen !== undefined,
    };
    this.listen = options.listen ?? (() => {});
    this.#control = options.plan && new ControlWatch(this, options.plan, options.slotOf);
    this.#table = new FunctionTable({
      before: (access) => this.#registers.before(this.deviceOf(access.view), access),
      after: (access) => this.#registers.after(this.deviceOf(access.view), access),
      lost: (view) => this.#lost(view),
    });
  }

  /** `device` is the moment's. */
  emit<Name extends MomentName>(device: Device, part: Part<Name>, moment: Moments[Name]): void {
    const rules = device.page[part] as unknown as readonly Rule<Name>[];
    if (rules.length > 0 && !this.hearing) this.audience.ask(rules, moment);
  }
  pageOf({ view }: Device): Page {
    return this.audience.book.page(view.virtioId);
  }
  sees(side: Side): boolean {
    return this.sides.includes(side);
  }
  deviceAt(slot: number): Device | undefined {
    const view = this.#table.functions.get(slot);
    return view && this.deviceOf(view);
  }
  /** Rings and buffers may then lie anywhere. */
  get unknownInUse(): boolean {
    return this.#table.unknownInUse;
  }
  deviceOf(view: FunctionView): Device {
    let device = this.#devices.get(view);
    if (device === undefined) {
      device = new Device(view, this.sides, this.#order);
      device.page = this.pageOf(device);
      this.#forget(view.slot, ({ lost }) => !lost);
      this.#devices.set(view, device);
      this.devices = [...this.#devices.values()];
      this.rings.draw(this.devices);
    }
    return device;
  }
  /** Takes up a function in the middle of its life: its rings are empty. */
  adopt({ slot, ioBase, status, features, msixAt, queues }: Adopted): void {
    const view = this.#table.adopt(slot, ioBase, msixAt);
    view.status = status;
    view.offered = status === 0 ? undefined : features;
    view.accepted = features;
    if (msixAt !== 0) view.configVector = 0;
    const device = this.deviceOf(view);
    device.session.featuresWritten = true;
    device.session.statusWritten = true;
    for (const { index, size, address, startAt, vector } of queues) {
      const queue = view.queue(index);
      const layout = ringLayout(size);
      Object.assign(queue, { size, layout, vector, pfn: address / PAGE_SIZE });
      const ring = new Queue(device, queue, layout, this.peek.ram.offsetOf(address, layout.bytes));
      ring.begin(startAt);
      device.queues.set(index, ring);
    }
    this.rings.draw(this.devices);
  }

  /** What other threads serve may have changed since it was looked at last. */
  lookElsewhere(device: Device): void {
    device.elsewhere = this.#servedElsewhere(device.view.slot);
  }
  at(device: Device) {
    return { device, view: device.view, peek: this.peek };
  }

  /** For whoever sees it happen: the function in this slot is there no more, or a new one is. */
  readonly slotChanged = (slot: number): void => this.#table.slotChanged(slot);

  /** For the bus. */
  readonly access = (access: Access): void => {
    this.#control?.newTurn();
    this.#table.access(access);
  };

  /** On a thread that is told what to do by another: it was, and does it now. */
  called(): void {
    this.#control?.newTurn();
  }

  /** On a thread that has no end of the bus: what happens there. */
  readonly hear = (news: BusNews): void => {
    this.hearing = true;
    if (news.kind === "access") this.#table.access(news.access);
    else this.slotChanged(news.slot);
    this.hearing = false;
  };

  read(site: Site, offset: number, value: number): void {
    if (site !== DRIVER_BUFFER && site !== DEVICE_BUFFER) this.ringWatch.read(site, offset, value);
    else this.ringWatch.buffers.access(site === DRIVER_BUFFER ? "driver" : "device", false, offset, 4);
  }
  write(site: Site, offset: number, value: number): void {
    if (site !== DRIVER_BUFFER && site !== DEVICE_BUFFER) this.ringWatch.write(site, offset, value);
    else this.ringWatch.buffers.access(site === DRIVER_BUFFER ? "driver" : "device", true, offset, 4);
  }
  range(site: Site, offset: number, length: number, intent: "read" | "write"): void {
    const side = site === DRIVER_BUFFER ? "driver" : site === DEVICE_BUFFER ? "device" : undefined;
    if (side !== undefined) this.ringWatch.buffers.access(side, intent === "write", offset, length);
  }
  updated(site: Site, offset: number, operand: number, before: number): void {
    this.#control?.updated(site, offset, operand, before);
  }
  /** Only an idle sleep says that a side believes it has nothing to do. */
  sleep(_offset: number, idle: boolean): void {
    if (!idle) return;
    for (const device of this.devices) {
      this.lookElsewhere(device);
      if (this.sees("driver")) this.emit(device, PART.driverIdle, this.at(device));
      if (this.sees("device")) this.emit(device, PART.deviceIdle, this.at(device));
    }
  }
  wake(): void {}

  /** The function has left. What its driver does with its rings until it knows is no rule's business. */
  #lost(view: FunctionView): void {
    const device = this.deviceOf(view);
    const before = this.devices.find((other) => other.lost && other.view.slot === view.slot);
    this.#forget(view.slot, ({ lost }) => lost);
    device.leave(before);
    this.rings.draw(this.devices);
  }

  #forget(slot: number, which: (device: Device) => boolean): void {
    for (const [view, device] of this.#devices) {
      if (view.slot === slot && which(device)) this.#devices.delete(view);
    }
    this.devices = [...this.#devices.values()];
  }
}
