/** A driver's queue on a ring that the host's side has set up already, with its interrupt handler: no registers. */
import { type ActiveQueue, Interrupts, queueInterrupt } from "../../guest/virtio-pci/interrupts.ts";
import { LegacyRegisters } from "../../guest/virtio-pci/registers.ts";
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { QueueCounters } from "../../observe/record/counters.ts";
import { FEATURE, hasFeature } from "../../wire/features.ts";
import { ringLayout } from "../../wire/ring.ts";
import type { ThreadContext } from "../scenario.ts";
import type { GuestCpu } from "./guest-cpu.ts";
import {
  adoptedQueue,
  FIRST_MESSAGE_IRQ,
  ioBase,
  LIVE,
  lineIrq,
  MSIX_CAPABILITY,
  type RingChoice,
  slotOf,
} from "./layout.ts";

/** Of a function with two vectors: configuration has the first, the queue the second. */
export const QUEUE_IRQ = FIRST_MESSAGE_IRQ + 1;

/** What a driver needs to have a queue: a place to keep it, and a handler for its interrupt. */
export interface QueueDriver {
  attach(queue: DriverQueue<number>): unknown;
  collect(): void;
}

export interface DirectQueueOptions {
  readonly ring: RingChoice;
  readonly size: number;
  readonly functionIndex?: number;
  readonly queueIndex?: number;
  /** Own vector of the queue; undefined: INTx; "none": no interrupt, the driver polls. */
  readonly irq?: number | "none";
  readonly configChanged?: () => void;
  /** Where in the 16 bits of an index the ring begins. */
  readonly startAt?: number;
}

/** A queue whose indices begin anywhere, so that a wrap is near. */
class PlacedDriverQueue extends DriverQueue<number> {
  placeAt(index: number): void {
    this.availIndex = index;
    this.publishedAvail = index;
    this.kickedAvail = index;
    this.lastUsed = index;
    this.usedIndex = index;
    const { memory } = this;
    memory.store16(this.ring + this.layout.availIndex, index, 0);
    memory.store16(this.ring + this.layout.usedIndex, index, 0);
    memory.store16(this.ring + this.layout.usedEvent, index, 0);
    memory.store16(this.ring + this.layout.availEvent, index, 0);
  }
}

/** Makes the queue, gives it to the driver, and hangs the driver's handler on its interrupt. */
export function attachQueue(
  context: ThreadContext,
  cpu: GuestCpu,
  driver: QueueDriver,
  options: DirectQueueOptions,
): LegacyRegisters {
  const { ring, size } = options;
  const index = options.queueIndex ?? 0;
  const functionIndex = options.functionIndex ?? 0;
  const registers = new LegacyRegisters(cpu.bus, ioBase(functionIndex));
  const queue = new PlacedDriverQueue({
    index,
    name: `q${index}`,
    ram: context.ram,
    ringOffset: ring.address(index) - context.ram.base,
    layout: ringLayout(size),
    indirect: hasFeature(ring.features, FEATURE.INDIRECT_DESC),
    eventIndex: hasFeature(ring.features, FEATURE.EVENT_IDX),
    hasCallback: true,
    tables: tablesAt(ring.tables),
    counters: new QueueCounters(),
    notify: () => registers.write("queueNotify", index),
  });
  if (options.startAt !== undefined) queue.placeAt(options.startAt);
  const msix = typeof options.irq === "number";
  cpu.observer?.adopt({
    ...LIVE,
    slot: slotOf(functionIndex),
    ioBase: ioBase(functionIndex),
    features: ring.features,
    msixAt: msix ? MSIX_CAPABILITY : 0,
    queues: [adoptedQueue(ring, index, { size, startAt: options.startAt, vector: msix ? 1 : undefined })],
  });
  driver.attach(queue);
  const active: ActiveQueue = { queue: queue as DriverQueue<never>, callback: () => driver.collect() };
  hangHandler(cpu, registers, active, options, functionIndex);
  return registers;
}

function hangHandler(
  cpu: GuestCpu,
  registers: LegacyRegisters,
  active: ActiveQueue,
  options: DirectQueueOptions,
  functionIndex: number,
): void {
  const handlers = new Interrupts(registers, [active], options.configChanged ?? (() => {}));
  const cookie = {};
  if (options.irq === "none") return;
  if (options.irq === undefined) {
    cpu.irq.requestIrq(lineIrq(functionIndex), handlers.line, "stamp", cookie, { shared: true });
    return;
  }
  while (!cpu.hasMessage(options.irq)) cpu.irq.allocateMsi();
  cpu.irq.requestIrq(options.irq, () => queueInterrupt(active), "stamp", cookie);
  if (options.configChanged !== undefined)
    cpu.irq.requestIrq(options.irq - 1, handlers.config, "config", cookie);
}

/** Indirect tables from a fixed region, never given back: an execution is short. */
function tablesAt(start: number | undefined) {
  let next = start;
  return {
    allocate(bytes: number): number | undefined {
      if (next === undefined) return undefined;
      const address = next;
      next += (bytes + 15) & ~15;
      return address;
    },
    free(): void {},
  };
}
