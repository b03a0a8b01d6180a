/** An I/O thread's part of one device: the queues of it that are served here, and the model's part that serves them. */
import type { Ram } from "../memory/ram.ts";
import type { DevicePart, QueueContext } from "./device.ts";
import type { FunctionInterrupts } from "./function-interrupts.ts";
import type { IoRequest, PartState } from "./io-queues.ts";
import type { PartFacts } from "./io-thread.ts";
import { QueueConfig } from "./queue-config.ts";
import { ServedQueues } from "./served-queues.ts";
import type { Violation } from "./violation.ts";
import type { DeviceQueue } from "./virtqueue/device-queue.ts";

export interface IoPartSite {
  readonly ram: Ram;
  /** Somebody waits for this thread: queues are left for a moment, kicked as they are. */
  readonly mustYield: () => boolean;
  violated(violation: Violation): void;
  ioStarted(): () => void;
  log(message: string): void;
  interruptsAt(functionIndex: number): FunctionInterrupts;
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

  constructor(facts: PartFacts, model: DevicePart, site: IoPartSite) {
    this.name = facts.name;
    this.ram = site.ram;
    this.model = model;
    this.#facts = facts;
    this.#site = site;
    this.#configs = facts.queues.map(({ name, size }, index) => new QueueConfig(index, name, size));
    this.#served = new ServedQueues({
      configs: this.#configs,
      ram: site.ram,
      mustYield: site.mustYield,
      // The loop may be asleep: a part may have served the queue from a timer.
      leftWork: () => site.ioStarted()(),
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
    return this.#running && this.#served.runnable;
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
    this.#interrupts = undefined;
    return this.model.reset?.(this);
  }

  /** Of a queue that is not here it was meant for an earlier life. */
  kick(queue: number): void {
    if (this.#served.live[queue] !== undefined) this.#served.kicked.add(queue);
  }

  run(): void {
    this.#served.run((queue) => this.model.queueNotified(queue, this));
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
