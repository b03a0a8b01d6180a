/** The queues of one device that one host thread serves: set up, kicked, run, taken down. */
import type { Ram } from "../memory/ram.ts";
import type { HeldPages } from "./held-pages.ts";
import type { QueueConfig } from "./queue-config.ts";
import type { ViolationKind } from "./violation.ts";
import type { DeviceQueue } from "./virtqueue/device-queue.ts";

export interface ServedQueuesOptions {
  readonly configs: readonly QueueConfig[];
  readonly ram: Ram;
  readonly heldPages?: HeldPages;
  readonly interrupt: (queue: number) => void;
  readonly violated: (kind: ViolationKind, detail: string, queue: number) => void;
  /** Somebody waits for this thread: a queue is to be left for a moment. */
  readonly mustYield?: () => boolean;
  /** Work was left where nobody may be looking: a device served a queue on its own, say from a timer. */
  readonly leftWork: () => void;
}

/** Chains of one queue before the thread's other queues, and its registers, have their turn. */
const CHAINS_PER_TURN = 256;

const NONE: readonly number[] = [];

export class ServedQueues {
  /** By index; undefined where the driver has set none up, or another thread serves it. */
  readonly live: (DeviceQueue | undefined)[];
  /** Queues kicked and not yet served, in no order. */
  readonly kicked = new Set<number>();
  /** Queues that are to go on where they were left. */
  readonly #left = new Set<number>();
  readonly #options: ServedQueuesOptions;

  constructor(options: ServedQueuesOptions) {
    this.#options = options;
    this.live = options.configs.map(() => undefined);
  }

  /** A queue's life begins on the ring at a page. False, and a violation, if it cannot. */
  setUp(index: number, pfn: number, device: { readonly features: number; readonly epoch: number }): boolean {
    const { configs, ram, heldPages, interrupt, violated, mustYield, leftWork } = this.#options;
    const queue = configs[index]?.activate(pfn, {
      ram,
      ...(heldPages && { heldPages }),
      features: device.features,
      epoch: device.epoch,
      turn: {
        over: (chains) => chains >= CHAINS_PER_TURN || mustYield?.() === true,
        left: () => {
          this.#left.add(index);
          leftWork();
        },
      },
      interrupt: () => interrupt(index),
      violated: (kind, detail) => violated(kind, detail, index),
    });
    this.live[index] = queue;
    return queue !== undefined;
  }

  /** And ends: the device or the queue was reset. */
  detach(index: number): void {
    this.live[index]?.detach();
    this.live[index] = undefined;
    this.kicked.delete(index);
    this.#left.delete(index);
  }

  get runnable(): boolean {
    return this.kicked.size > 0 || this.#left.size > 0;
  }

  /** Serves the kicked queues and those left before; `notify` is not called for those that are broken. */
  run(notify: (queue: DeviceQueue) => void): void {
    const left = this.#left.size > 0 ? [...this.#left] : NONE;
    this.#left.clear();
    for (const index of left) this.#serve(index, notify);
    for (const index of this.kicked) {
      this.kicked.delete(index);
      const queue = this.live[index];
      if (queue === undefined) continue;
      queue.counters.kicksReceived++;
      if (!queue.hasAvailable) queue.counters.spurious++;
      if (!this.#left.has(index)) this.#serve(index, notify);
    }
  }

  #serve(index: number, notify: (queue: DeviceQueue) => void): void {
    const queue = this.live[index];
    if (queue !== undefined && !queue.broken) notify(queue);
  }
}
