/** An I/O thread's part of one device: the queues of it that are served here, and the model's part that serves them. */
import type { Ram } from "../memory/ram.ts";
import type { DevicePart, QueueContext } from "./device.ts";
import type { FunctionInterrupts } from "./function-interrupts.ts";
import type { IoRequest, PartState } from "./io-queues.ts";
import type { PartFacts } from "./io-thread.ts";
import { QueueConfig } from "./queue-config.ts";
import { ServedQueues } from "./served-queues.ts";
import type { Violation } from "./violation.ts";
import { DeviceQueue, type DeviceQueueOptions } from "./virtqueue/device-queue.ts";

export interface IoPartSite {
  readonly ram: Ram;
  /** Somebody waits for this thread: queues are left for a moment, kicked as they are. */
  readonly mustYield: () => boolean;
  violated(violation: Violation): void;
  ioStarted(): () => void;
  log(message: string): void;
  interruptsAt(functionIndex: number): FunctionInterrupts;
}

/** Chains of one queue before the thread's other queues have their turn. */
const CHAINS_PER_TURN = 256;
/** Chains between looks for a call. */
const CHAINS_PER_LOOK = 8;

/**
 * A driver on a CPU of its own may refill a queue as fast as it is served: after a while the queue looks empty, and
 * stays kicked.
 */
class SharingQueue extends DeviceQueue {
  /** Left with work in it. */
  left = false;
  readonly #mustYield: () => boolean;
  #chains = 0;

  constructor(options: DeviceQueueOptions, mustYield: () => boolean) {
    super(options);
    this.#mustYield = mustYield;
  }

  beginTurn(): void {
    this.left = false;
    this.#chains = 0;
  }

  override pop() {
    if (this.left) return undefined;
    const due = this.#chains++;
    if (due >= CHAINS_PER_TURN || (due % CHAINS_PER_LOOK === 0 && due > 0 && this.#mustYield())) {
      this.left = true;
      return undefined;
    }
    return super.pop();
  }

  override enableNotifications(): boolean {
    return !this.left && super.enableNotifications();
  }
}

export class IoPart implements QueueContext {
  readonly name: string;
  readonly ram: Ram;
  readonly model: DevicePart;
  features = 0;
  config: Uint8Array = new Uint8Array(0);
  readonly #facts: PartFacts;
  readonly #site: IoPartSite;
  readonly #served: ServedQueues;
  readonly #configs: readonly QueueConfig[];
  #interrupts: FunctionInterrupts | undefined;
  #running = false;
  /** Queues that are to go on where they were left. */
  #left: SharingQueue[] = [];

  constructor(facts: PartFacts, model: DevicePart, site: IoPartSite) {
    this.name = facts.name;
    this.ram = site.ram;
    this.model = model;
    this.#facts = facts;
    this.#site = site;
    this.#configs = facts.queues.map(
      ({ name, size }, index) =>
        new QueueConfig(index, name, size, (options) => new SharingQueue(options, site.mustYield)),
    );
    this.#served = new ServedQueues({
      configs: this.#configs,
      ram: site.ram,
      interrupt: (queue) => this.#interrupts?.queueInterrupt(queue),
      violated: (kind, detail, queue) => this.violated({ kind, detail, queue }),
    });
  }

  get slot(): number {
    return this.#facts.slot;
  }
  get queues(): readonly (DeviceQueue | undefined)[] {
    return this.#served.live;
  }
  get runnable(): boolean {
    return this.#running && (this.#served.kicked.size > 0 || this.#left.length > 0);
  }

  attach({ functionIndex, state, queue, pfn }: IoRequest & { readonly kind: "attach" }): void {
    this.#interrupts ??= this.#site.interruptsAt(functionIndex);
    this.follow(state);
    this.#served.setUp(queue, pfn, state);
  }

  follow(state: PartState): void {
    this.features = state.features;
    this.config = state.config;
    this.#running = state.running;
    this.#interrupts?.follow(state.interrupts);
  }

  detach(queue: number): void {
    this.#served.detach(queue);
  }

  /** What it promises is kept when the device's storage is left alone. */
  reset(): void | Promise<void> {
    for (const { index } of this.#configs) this.#served.detach(index);
    this.#left = [];
    this.#interrupts = undefined;
    return this.model.reset?.(this);
  }

  /** Of a queue that is not here it was meant for an earlier life. */
  kick(queue: number): void {
    if (this.#served.live[queue] !== undefined) this.#served.kicked.add(queue);
  }

  run(): void {
    const left = this.#left;
    this.#left = [];
    for (const queue of left) this.#serve(queue);
    this.#served.run((queue) => this.#serve(queue as SharingQueue));
  }

  #serve(queue: SharingQueue): void {
    if (this.#left.includes(queue)) return;
    queue.beginTurn();
    this.model.queueNotified(queue, this);
    if (queue.left) this.#left.push(queue);
  }

  violated(violation: Omit<Violation, "device">): void {
    this.#site.violated({ ...violation, device: this.name });
  }
  ioStarted(): () => void {
    return this.#site.ioStarted();
  }
  log(message: string): void {
    this.#site.log(message);
  }

  describe() {
    return {
      name: this.name,
      part: this.#facts.part,
      running: this.#running,
      kicked: [...this.#served.kicked],
      queues: this.#configs.map(({ index, counters }) => ({
        counters: { ...counters },
        active: this.#served.live[index]?.describe() ?? null,
      })),
      model: this.model.describe?.() ?? {},
    };
  }
}
