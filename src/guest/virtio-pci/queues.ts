/** Setting one queue up and taking it down, register access by register access [0.9.5, 2.4]. */
import { addCounters, QueueCounters } from "../../observe/record/counters.ts";
import { FEATURE, hasFeature } from "../../wire/features.ts";
import { NO_VECTOR } from "../../wire/legacy-registers.ts";
import { PAGE_SHIFT } from "../../wire/numbers.ts";
import { isQueueSize, type RingLayout, ringLayout } from "../../wire/ring.ts";
import type { GuestMemory } from "../guest-memory.ts";
import type { IrqCore } from "../irq.ts";
import { ProbeError } from "../probe-error.ts";
import type { QueueRequest } from "../virtio/types.ts";
import { DriverQueue } from "../virtqueue/driver-queue.ts";
import type { ActiveQueue } from "./interrupts.ts";
import type { LegacyRegisters } from "./registers.ts";

export interface QueueInfo extends ActiveQueue {
  readonly queue: DriverQueue<never>;
  /** Its MSI-X vector, or NO_VECTOR. */
  readonly vector: number;
  readonly ringAddress: number;
  readonly layout: RingLayout;
}

export interface QueuesOptions {
  readonly registers: LegacyRegisters;
  readonly memory: GuestMemory;
  readonly irq: IrqCore;
  /** Gets what deleted queues have counted. */
  readonly retired: QueueCounters;
}

export interface MakeQueueOptions {
  readonly index: number;
  readonly name: string;
  readonly memory: GuestMemory;
  readonly ringAddress: number;
  readonly layout: RingLayout;
  readonly features: number;
  readonly hasCallback: boolean;
  readonly registers: LegacyRegisters;
}

/** The driver's end of a fresh ring. */
export function makeQueue(options: MakeQueueOptions): DriverQueue<never> {
  const { index, name, memory, ringAddress, layout, features, hasCallback, registers } = options;
  return new DriverQueue<never>({
    index,
    name,
    ram: memory.ram,
    ringOffset: ringAddress - memory.ram.base,
    layout,
    indirect: hasFeature(features, FEATURE.INDIRECT_DESC),
    eventIndex: hasFeature(features, FEATURE.EVENT_IDX),
    hasCallback,
    tables: memory,
    counters: new QueueCounters(),
    notify: () => registers.write("queueNotify", index),
  });
}

/** The queues of one device: the list that interrupt handlers walk. */
export class Queues implements Iterable<QueueInfo> {
  readonly #registers: LegacyRegisters;
  readonly #memory: GuestMemory;
  readonly #irq: IrqCore;
  readonly #retired: QueueCounters;
  #list: readonly QueueInfo[] = [];

  constructor(options: QueuesOptions) {
    this.#registers = options.registers;
    this.#memory = options.memory;
    this.#irq = options.irq;
    this.#retired = options.retired;
  }

  [Symbol.iterator](): Iterator<QueueInfo> {
    return this.#list[Symbol.iterator]();
  }

  get list(): readonly QueueInfo[] {
    return this.#list;
  }

  setUp(index: number, request: QueueRequest, vector: number, features: number): QueueInfo {
    const registers = this.#registers;
    registers.write("queueSelect", index);
    const size = registers.read("queueSize");
    if (size === 0 || registers.read("queuePfn") !== 0) {
      throw new ProbeError("ENOENT", `queue ${index} (${request.name}) is not available`);
    }
    const layout = ringLayout(size);
    const ringAddress = this.#memory.allocatePages(layout.bytes);
    if (ringAddress === undefined) {
      throw new ProbeError("ENOMEM", `no ${layout.bytes} bytes for queue ${index} (${request.name})`);
    }
    registers.write("queuePfn", ringAddress / 2 ** PAGE_SHIFT);
    let queue: DriverQueue<never> | undefined;
    try {
      queue = this.#create(index, request, layout, ringAddress, features);
      if (vector !== NO_VECTOR) this.#assignVector(index, vector);
    } catch (error) {
      queue?.destroy();
      registers.write("queuePfn", 0);
      this.#memory.freePages(ringAddress, layout.bytes);
      throw error;
    }
    const info = { queue, callback: request.callback, vector, ringAddress, layout };
    this.#change([...this.#list, info]);
    return info;
  }

  delete(info: QueueInfo, msixEnabled: boolean): void {
    const registers = this.#registers;
    this.#change(this.#list.filter((other) => other !== info));
    registers.write("queueSelect", info.queue.index);
    if (msixEnabled) {
      registers.write("queueVector", NO_VECTOR);
      // Flush: the device has let go of the vector.
      registers.read("isr");
    }
    info.queue.destroy();
    addCounters(this.#retired, info.queue.counters);
    registers.write("queuePfn", 0);
    this.#memory.freePages(info.ringAddress, info.layout.bytes);
  }

  #create(index: number, request: QueueRequest, layout: RingLayout, ringAddress: number, features: number) {
    if (!isQueueSize(layout.size)) {
      throw new ProbeError("EINVAL", `queue ${index} (${request.name}) has size ${layout.size}`);
    }
    return makeQueue({
      index,
      name: request.name,
      memory: this.#memory,
      ringAddress,
      layout,
      features,
      hasCallback: request.callback !== undefined,
      registers: this.#registers,
    });
  }

  #assignVector(index: number, vector: number): void {
    this.#registers.write("queueVector", vector);
    if (this.#registers.read("queueVector") === NO_VECTOR) {
      throw new ProbeError("EBUSY", `the device refused vector ${vector} for queue ${index}`);
    }
  }

  /** Handlers walk the list: it changes with interrupts off. */
  #change(list: readonly QueueInfo[]): void {
    this.#irq.disable();
    this.#list = list;
    this.#irq.enable();
  }
}
