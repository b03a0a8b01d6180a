/** The transport of a part of a device: queues that CPU 0 has set up, driven by this CPU. */
import type { PortBus } from "../../bus/port-bus.ts";
import { addCounters, type QueueCounters } from "../../observe/record/counters.ts";
import { ringLayout } from "../../wire/ring.ts";
import type { DevicePart } from "../cpus.ts";
import type { GuestMemory } from "../guest-memory.ts";
import type { IrqCore } from "../irq.ts";
import type { QueueRequest, TransportOwner, VirtioTransport } from "../virtio/types.ts";
import type { DriverQueue } from "../virtqueue/driver-queue.ts";
import { type ActiveQueue, queueInterrupt } from "./interrupts.ts";
import { makeQueue } from "./queues.ts";
import { LegacyRegisters } from "./registers.ts";

export interface PartTransportOptions {
  readonly part: DevicePart;
  readonly bus: PortBus;
  readonly irq: IrqCore;
  readonly memory: GuestMemory;
  /** Gets what the queues have counted when they are deleted. */
  readonly retired: QueueCounters;
  /** The driver's half gave the device up: only CPU 0 can reset it. */
  readonly wantReset: (name: string, reason: string) => void;
}

export class PartTransport implements VirtioTransport {
  readonly busName: string;
  readonly tier: DevicePart["tier"];
  readonly #options: PartTransportOptions;
  readonly #registers: LegacyRegisters;
  #active: readonly ActiveQueue[] = [];
  #irqs: number[] = [];
  #name = "";
  #leaving = false;
  #wantsReset = false;

  constructor(options: PartTransportOptions) {
    this.#options = options;
    this.busName = options.part.busName;
    this.tier = options.part.tier;
    this.#registers = new LegacyRegisters(options.bus, options.part.ioBase);
  }

  attach(owner: TransportOwner): void {
    this.#name = owner.name;
  }

  get queues(): readonly DriverQueue<never>[] {
    return this.#active.map(({ queue }) => queue);
  }

  getFeatures(): number {
    return this.#options.part.features;
  }
  finalizeFeatures(): number {
    return this.#options.part.features;
  }
  getConfig(offset: number, target: Uint8Array): void {
    this.#registers.readConfig(offset, target, this.#options.part.msixEnabled);
  }
  setConfig(offset: number, source: Uint8Array): void {
    this.#registers.writeConfig(offset, source, this.#options.part.msixEnabled);
  }
  getStatus(): number {
    return this.#registers.read("status");
  }
  setStatus(): void {
    throw new Error(`${this.#name}: the status is CPU 0's`);
  }

  /** CPU 0 takes the part back, after a reset of its own. */
  leave(): void {
    this.#leaving = true;
  }

  /** CPU 0 has done it. */
  reset(): void {}

  askForReset(): boolean {
    if (this.#leaving || this.#wantsReset) return !this.#leaving;
    this.#wantsReset = true;
    const reason = this.queues.find(({ broken }) => broken !== undefined)?.broken;
    this.#options.wantReset(this.#name, reason ?? "given up by another CPU");
    return true;
  }

  /** In the order in which they were given. */
  findQueues(requests: readonly QueueRequest[]): DriverQueue<never>[] {
    const { part, memory, irq } = this.#options;
    if (requests.length !== part.queues.length) {
      throw new Error(`${this.#name}: ${part.queues.length} queues, not ${requests.length}`);
    }
    this.#active = part.queues.map(({ index, name, ringAddress, size }, at) => ({
      callback: requests[at]?.callback,
      queue: makeQueue({
        index,
        name,
        memory,
        ringAddress,
        layout: ringLayout(size),
        features: part.features,
        hasCallback: requests[at]?.callback !== undefined,
        registers: this.#registers,
      }),
    }));
    part.queues.forEach((queue, at) => {
      const active = this.#active[at];
      if (queue.irq === null || active === undefined) return;
      irq.adoptMsi(queue.irq);
      irq.requestIrq(queue.irq, () => queueInterrupt(active), `${part.name}-${queue.name}`, this);
      this.#irqs.push(queue.irq);
    });
    return [...this.queues];
  }

  /** The rings stay: they are CPU 0's. */
  deleteQueues(): void {
    for (const irq of this.#irqs.splice(0)) {
      this.#options.irq.freeIrq(irq, this);
      this.#options.irq.freeMsi(irq);
    }
    for (const { queue } of this.#active) {
      queue.destroy();
      addCounters(this.#options.retired, queue.counters);
    }
    this.#active = [];
  }

  /** An interrupt came that may be for any of the queues. */
  lookAtQueues(): boolean {
    let handled = false;
    for (const active of this.#active) if (queueInterrupt(active)) handled = true;
    return handled;
  }

  /** As for a whole device: a kick that was written while it slept went nowhere. */
  resumed(): void {
    for (const queue of this.queues) if (queue.inFlight > 0) queue.notify();
  }
}
