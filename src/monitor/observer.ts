/**
 * Turns what one thread does (bus accesses, memory accesses, sleeps) into moments, and keeps the model. Rules are
 * asked before a moment counts, so they see the state that it meets.
 *
 * A machine on two threads has two observers, each with its own thread's accesses in program order; the bus is seen at
 * both ends. What one side published is checked where it is published and again where the other side takes it in,
 * whichever of the two this observer sees.
 */
import type { ControlPlan } from "../memory/plan.ts";
import type { Ram } from "../memory/ram.ts";
import type { MemoryWatcher } from "../memory/recorded-memory.ts";
import {
  type Access,
  type FunctionAccess,
  FunctionTable,
  type FunctionView,
} from "../observe/record/functions.ts";
import { type Site, site } from "../wire/sites.ts";
import { ControlWatch } from "./control-watch.ts";
import { Device } from "./model.ts";
import type { MomentName, Moments, Side } from "./moments.ts";
import { Peek } from "./peek.ts";
import { RegisterWatch } from "./register-watch.ts";
import { RingMap } from "./ring-map.ts";
import { RingWatch } from "./ring-watch.ts";

export interface ObserverOptions {
  /** RAM as the observer may look at it, unrecorded. */
  readonly ram: Ram;
  /** Whose accesses to memory are seen. */
  readonly sides: readonly Side[];
  /** The control page and which slot has which function of it; without it interrupts are not seen. */
  readonly plan?: ControlPlan;
  readonly slotOf?: (functionIndex: number) => number | undefined;
}

/** `part` says which part of a moment that has several: see `rule-book.ts`. The moment is used again: do not keep it. */
export type Emit = <Name extends MomentName>(name: Name, moment: Moments[Name], part: number) => void;

const DRIVER_BUFFER = site("driver: buffer");
const DEVICE_BUFFER = site("device: buffer");

export class Observer implements MemoryWatcher {
  readonly peek: Peek;
  readonly sides: readonly Side[];
  readonly rings: RingMap;
  devices: readonly Device[] = [];
  readonly #emit: Emit;
  readonly #devices = new Map<FunctionView, Device>();
  readonly #table: FunctionTable;
  readonly #registers: RegisterWatch;
  readonly #rings: RingWatch;
  readonly #control: ControlWatch | undefined;

  constructor(options: ObserverOptions, emit: Emit) {
    this.peek = new Peek(options.ram);
    this.sides = options.sides;
    this.rings = new RingMap(options.ram);
    this.#emit = emit;
    this.#registers = new RegisterWatch(this);
    this.#rings = new RingWatch(this);
    this.#control = options.plan && new ControlWatch(this, options.plan, options.slotOf);
    this.#table = new FunctionTable(
      (access) => this.#registers.before(this.deviceOf(access.view), access),
      (access) => this.#after(access),
    );
  }

  emit<Name extends MomentName>(name: Name, moment: Moments[Name], part = 0): void {
    this.#emit(name, moment, part);
  }
  sees(side: Side): boolean {
    return this.sides.includes(side);
  }
  deviceAt(slot: number): Device | undefined {
    const view = this.#table.functions.get(slot);
    return view && this.deviceOf(view);
  }
  deviceOf(view: FunctionView): Device {
    let device = this.#devices.get(view);
    if (device === undefined) {
      device = new Device(view, this.sides);
      for (const [known] of this.#devices) if (known.slot === view.slot) this.#devices.delete(known);
      this.#devices.set(view, device);
      this.devices = [...this.#devices.values()];
      this.rings.draw(this.devices);
    }
    return device;
  }
  at(device: Device) {
    return { device, view: device.view, peek: this.peek };
  }

  /** For the bus. */
  readonly access = (access: Access): void => {
    this.#control?.newTurn();
    this.#table.access(access);
  };

  read(site: Site, offset: number, value: number): void {
    if (site !== DRIVER_BUFFER && site !== DEVICE_BUFFER) this.#rings.read(site, offset, value);
    else this.#rings.buffers.access(site === DRIVER_BUFFER ? "driver" : "device", false, offset, 4);
  }
  write(site: Site, offset: number, value: number): void {
    if (site !== DRIVER_BUFFER && site !== DEVICE_BUFFER) this.#rings.write(site, offset, value);
    else this.#rings.buffers.access(site === DRIVER_BUFFER ? "driver" : "device", true, offset, 4);
  }
  range(site: Site, offset: number, length: number, intent: "read" | "write"): void {
    const side = site === DRIVER_BUFFER ? "driver" : site === DEVICE_BUFFER ? "device" : undefined;
    if (side !== undefined) this.#rings.buffers.access(side, intent === "write", offset, length);
  }
  updated(site: Site, offset: number, operand: number, before: number): void {
    this.#control?.updated(site, offset, operand, before);
  }
  /** Only an idle sleep says that a side believes it has nothing to do. */
  sleep(_offset: number, idle: boolean): void {
    if (!idle) return;
    for (const device of this.devices) {
      if (this.sees("driver")) this.emit("driverIdle", this.at(device));
      if (this.sees("device")) this.emit("deviceIdle", this.at(device));
    }
  }
  wake(): void {}

  #after(access: FunctionAccess): void {
    this.#registers.after(this.deviceOf(access.view), access);
  }
}
