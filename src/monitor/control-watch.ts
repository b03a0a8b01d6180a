/** The control page's part of the observer: ISR bits, lines and messages as devices raise them and the guest takes them. */
import type { ControlPlan } from "../memory/plan.ts";
import { FIRST_SYSTEM_VECTOR, SYSTEM_IRQS } from "../wire/hot-plug.ts";
import { ISR } from "../wire/legacy-registers.ts";
import { type Site, site } from "../wire/sites.ts";
import type { Device, Queue } from "./model.ts";
import type { Observer } from "./observer.ts";
import { PART } from "./rule-book.ts";

const SET_ISR = site("isr: set");
const CLEAR_ISR = site("isr: read and clear");
const ASSERT_LINE = site("intx: assert line");
const POST = site("msi: post vector");
const TAKE = site("msi: take vectors");

export class ControlWatch {
  readonly #observer: Observer;
  readonly #plan: ControlPlan;
  /** By the offset of its ISR: the index of a function. */
  readonly #functions: ReadonlyMap<number, number>;
  readonly #slotOf: (functionIndex: number) => number | undefined;
  /** Who has just set its ISR: a message that follows is its own. */
  #asking: { device: Device; queue: Queue | undefined; config: boolean } | undefined;

  constructor(observer: Observer, plan: ControlPlan, slotOf: ObserverSlots = () => undefined) {
    this.#observer = observer;
    this.#plan = plan;
    this.#functions = new Map(plan.functions.map(({ isr }, index) => [isr, index]));
    this.#slotOf = slotOf;
  }

  /** The bus was used, or this thread told of it: a message now comes from unmasking, not from a queue. */
  newTurn(): void {
    this.#asking = undefined;
  }

  updated(number: Site, offset: number, operand: number, before: number): void {
    if (number === SET_ISR) this.#isr(offset, operand);
    else if (number === CLEAR_ISR) this.#clear(offset);
    else if (number === ASSERT_LINE) this.#line(operand);
    else if (number === POST) this.#post(offset, operand);
    else if (number === TAKE && before !== 0) this.#take(offset, before);
  }

  #isr(offset: number, bits: number): void {
    const device = this.#deviceAt(this.#functions.get(offset) ?? -1);
    if (device === undefined) return;
    const { view } = device;
    const { peek } = this.#observer;
    device.isr |= bits;
    this.#observer.lookElsewhere(device);
    device.isrSeen = !device.elsewhere;
    const queue = (bits & ISR.QUEUE) !== 0 ? deciding(device) : undefined;
    this.#observer.emit(device, PART.isr, { device, view, peek, bits, queue });
    this.#asking = { device, queue, config: (bits & ISR.QUEUE) === 0 };
    if ((bits & ISR.CONFIG) !== 0) device.announced++;
    if (queue === undefined) return;
    queue.interrupt.wanted = false;
    queue.interrupt.denied = false;
    if (queue.interrupt.due) queue.interrupt.before = queue.usedIndex;
    queue.interrupt.due = false;
  }

  /** For a read by the driver, which is told of when it has its answer, or by a reset. */
  #clear(offset: number): void {
    const device = this.#deviceAt(this.#functions.get(offset) ?? -1);
    if (device === undefined) return;
    device.isrTaken = device.isr;
    device.isr = 0;
  }

  #line(operand: number): void {
    const device = this.#deviceAt(31 - Math.clz32(operand));
    if (device === undefined) return;
    this.#observer.lookElsewhere(device);
    this.#observer.emit(device, PART.line, this.#observer.at(device));
  }

  #post(offset: number, operand: number): void {
    const asking = this.#asking;
    const cpu = asking && this.#cpuOf(offset);
    if (asking === undefined || cpu === undefined) return;
    const vector = 8 * (offset - cpu.vectors) + 31 - Math.clz32(operand);
    // The mainboard's own interrupts go the same way.
    if (vector >= FIRST_SYSTEM_VECTOR && vector < FIRST_SYSTEM_VECTOR + SYSTEM_IRQS) return;
    this.#asking = undefined;
    this.#observer.listen();
    const { device, queue, config } = asking;
    this.#observer.emit(device, PART.message, {
      device,
      view: device.view,
      peek: this.#observer.peek,
      vector,
      queue,
      config,
    });
  }

  /** The guest takes messages: those that some device's configuration vector sends. */
  #take(offset: number, bits: number): void {
    const cpu = this.#cpuOf(offset);
    if (cpu === undefined) return;
    for (const device of this.#observer.devices) {
      const message = device.view.msixEnabled && device.view.messages.get(device.view.configVector);
      if (typeof message !== "number" || message >>> 5 !== (offset - cpu.vectors) >>> 2) continue;
      if (((bits >>> (message & 31)) & 1) === 1) device.session.configInterrupt = { readBack: new Set() };
    }
  }

  /** Whose vector words these are. */
  #cpuOf(offset: number): ControlPlan["cpus"][number] | undefined {
    for (const cpu of this.#plan.cpus) if (offset >= cpu.vectors && offset < cpu.vectors + 32) return cpu;
    return undefined;
  }

  #deviceAt(functionIndex: number): Device | undefined {
    const slot = functionIndex < 0 ? undefined : this.#slotOf(functionIndex);
    return slot === undefined ? undefined : this.#observer.deviceAt(slot);
  }
}

type ObserverSlots = (functionIndex: number) => number | undefined;

/** The queue whose interrupt this must be: one that has published used buffers and decided last. */
function deciding(device: Device): Queue | undefined {
  let found: Queue | undefined;
  for (const queue of device.queues.values()) {
    if (queue.interrupt.wanted) return queue;
    if (queue.interrupt.denied || queue.interrupt.due) found = queue;
  }
  return found;
}
