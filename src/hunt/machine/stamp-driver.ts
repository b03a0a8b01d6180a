/**
 * The driver of the small scenarios: submits stamped requests on one queue and collects their answers in its
 * interrupt handler, in the way that every driver of this project does it.
 */
import { Interrupts, queueInterrupt } from "../../guest/virtio-pci/interrupts.ts";
import { LegacyRegisters } from "../../guest/virtio-pci/registers.ts";
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { QueueCounters } from "../../observe/record/counters.ts";
import { FEATURE, hasFeature } from "../../wire/features.ts";
import { ringLayout } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { REQUEST, RequestLedger } from "../oracles/requests.ts";
import type { Ending, OracleName, ThreadContext } from "../scenario.ts";
import type { GuestCpu } from "./guest-cpu.ts";
import { FIRST_MESSAGE_IRQ, FIRST_SLOT, ioBase, type RingChoice } from "./layout.ts";
import { stampOf } from "./stamp-device.ts";

const BUFFER = site("driver: buffer");
const REQUEST_BYTES = 16;

export interface StampDriverOptions {
  readonly ring: RingChoice;
  readonly size: number;
  /** First byte for request buffers. */
  readonly buffers: number;
  readonly functionIndex?: number;
  readonly queueIndex?: number;
  /** Own vector of the queue; undefined: INTx. */
  readonly irq?: number;
  readonly delayedCallbacks?: boolean;
}

/** Of the first function with two vectors: configuration has the first, the queue the second. */
export const QUEUE_IRQ = FIRST_MESSAGE_IRQ + 1;

export class StampDriver {
  readonly ledger: RequestLedger;
  readonly queue: DriverQueue<number>;
  readonly registers: LegacyRegisters;
  interrupts = 0;
  readonly #context: ThreadContext;
  readonly #cpu: GuestCpu;
  readonly #options: StampDriverOptions;
  readonly #list = new ScatterList();
  #next = 0;

  constructor(context: ThreadContext, cpu: GuestCpu, options: StampDriverOptions) {
    const { ring, size } = options;
    const index = options.queueIndex ?? 0;
    const functionIndex = options.functionIndex ?? 0;
    this.#context = context;
    this.#cpu = cpu;
    this.#options = options;
    this.ledger = new RequestLedger(context);
    this.registers = new LegacyRegisters(cpu.bus, ioBase(functionIndex));
    this.queue = new DriverQueue<number>({
      index,
      name: `q${index}`,
      ram: context.ram,
      ringOffset: ring.address(index) - context.ram.base,
      layout: ringLayout(size),
      indirect: hasFeature(ring.features, FEATURE.INDIRECT_DESC),
      eventIndex: hasFeature(ring.features, FEATURE.EVENT_IDX),
      hasCallback: true,
      tables: { allocate: () => undefined, free: () => {} },
      counters: new QueueCounters(),
      notify: () => this.registers.write("queueNotify", index),
    });
    const active = { queue: this.queue as DriverQueue<never>, callback: () => this.collect() };
    if (options.irq === undefined) {
      const line = 16 + ((FIRST_SLOT + functionIndex - 1) & 3);
      const handlers = new Interrupts(this.registers, [active], () => {});
      cpu.irq.requestIrq(line, handlers.line, "stamp", this, { shared: true });
    } else {
      while (cpu.irq.allocateMsi()?.irq !== options.irq);
      cpu.irq.requestIrq(options.irq, () => queueInterrupt(active), "stamp", this);
    }
  }

  /** Adds requests and kicks once. Interrupts must be off. False: the ring took fewer. */
  submit(count: number): boolean {
    let added = 0;
    for (; added < count; added++) {
      const request = this.#next;
      const address = this.#address(request);
      const offset = address - this.#context.ram.base;
      const stamp = stampOf(request, this.queue.index);
      this.#list.clear().addReadable(address, REQUEST.readableBytes);
      this.#list.addWritable(address + REQUEST.readableBytes, REQUEST.writableBytes);
      if (this.queue.freeDescriptors < 2) break;
      const { memory } = this.#context.ram;
      memory.write32(offset, request, BUFFER);
      memory.write32(offset + 4, stamp, BUFFER);
      if (!this.queue.add(this.#list, request)) break;
      this.ledger.submitted(request, stamp);
      this.#next++;
    }
    this.queue.kick();
    return added === count;
  }

  /** The interrupt handler: everything that has come back, then once more after asking for the next interrupt. */
  collect(): void {
    const { queue } = this;
    this.interrupts++;
    do {
      queue.disableCallbacks();
      this.reap();
      if (queue.broken !== undefined) return;
    } while (!(this.#options.delayedCallbacks ? queue.enableCallbacksDelayed() : queue.enableCallbacks()));
  }

  /** What has come back now; how many. */
  reap(): number {
    const { queue } = this;
    let reaped = 0;
    for (let request = queue.get(); request !== undefined; request = queue.get()) {
      const offset = this.#address(request) - this.#context.ram.base + REQUEST.readableBytes;
      const answer = this.#context.ram.memory.read32(offset, BUFFER);
      this.ledger.returned(request, queue.lastLength, answer);
      reaped++;
    }
    return reaped;
  }

  /** Sleeps until no more than `left` requests are out. */
  settle(left = 0): void {
    while (this.ledger.outstanding > left && this.queue.broken === undefined) this.#cpu.idle();
  }

  judge(ending: Ending, report: (oracle: OracleName, text: string) => void): void {
    if (ending === "quiescent") this.ledger.judge(this.queue as DriverQueue, report);
  }

  /** Buffers go round: as many as can be in flight, and one more. */
  #address(request: number): number {
    return this.#options.buffers + REQUEST_BYTES * (request % (this.queue.size + 1));
  }
}
