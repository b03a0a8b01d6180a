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
}

export class ServedQueues {
  /** By index; undefined where the driver has set none up, or another thread serves it. */
  readonly live: (DeviceQueue | undefined)[];
  /** Queues kicked and not yet served, in no order. */
  readonly kicked = new Set<number>();
  readonly #options: ServedQueuesOptions;

  constructor(options: ServedQueuesOptions) {
    this.#options = options;
    this.live = options.configs.map(() => undefined);
  }

  /** A queue's life begins on the ring at a page. False, and a violation, if it cannot. */
  setUp(index: number, pfn: number, device: { readonly features: number; readonly epoch: number }): boolean {
    const { configs, ram, heldPages, interrupt, violated } = this.#options;
    const queue = configs[index]?.activate(pfn, {
      ram,
      ...(heldPages && { heldPages }),
      features: device.features,
      epoch: device.epoch,
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
  }

  /** Serves the kicked queues; `notify` is not called for those that are broken. */
  run(notify: (queue: DeviceQueue) => void): void {
    for (const index of this.kicked) {
      this.kicked.delete(index);
      const queue = this.live[index];
      if (queue === undefined) continue;
      queue.counters.kicksReceived++;
      if (!queue.hasAvailable) queue.counters.spurious++;
      if (!queue.broken) notify(queue);
    }
  }
}
