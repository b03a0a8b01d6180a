/**
 * A queue before it is one: what the driver has written so far. `activate` checks it and makes the `DeviceQueue`;
 * an active queue is valid by having been made, and only a reset (or PFN 0) leads back.
 */
import type { Ram } from "../memory/ram.ts";
import { QueueCounters } from "../observe/record/counters.ts";
import { FEATURE, hasFeature } from "../wire/features.ts";
import { PAGE_SHIFT } from "../wire/numbers.ts";
import { isQueueSize, type RingLayout, ringLayout } from "../wire/ring.ts";
import type { HeldPages } from "./held-pages.ts";
import type { ViolationKind } from "./violation.ts";
import { DeviceQueue, type Turn } from "./virtqueue/device-queue.ts";

export interface ActivateOptions {
  readonly ram: Ram;
  readonly heldPages?: HeldPages;
  /** Accepted by the driver: fixed for the life of the queue. */
  readonly features: number;
  readonly epoch: number;
  readonly turn?: Turn;
  readonly interrupt: () => void;
  readonly violated: (kind: ViolationKind, detail: string) => void;
}

export class QueueConfig {
  readonly index: number;
  readonly name: string;
  /** 0: there is no such queue. */
  readonly size: number;
  /** The device's side of the queue, summed over its lives. */
  readonly counters = new QueueCounters();
  readonly #layout: RingLayout;

  constructor(index: number, name: string, size: number) {
    if (size !== 0 && !isQueueSize(size)) {
      throw new RangeError(`queue ${name}: size must be a power of two up to 32768, not ${size}`);
    }
    this.index = index;
    this.name = name;
    this.size = size;
    this.#layout = ringLayout(size);
  }

  /** Where in RAM the ring at page `pfn` lies; -1 (and a violation) if it would leave RAM. */
  ringOffset(pfn: number, { ram, violated }: Pick<ActivateOptions, "ram" | "violated">): number {
    const address = pfn * (1 << PAGE_SHIFT);
    const offset = ram.offsetOf(address, this.#layout.bytes);
    if (offset < 0) {
      violated(
        "queue-address",
        `ring of ${this.#layout.bytes} bytes at 0x${address.toString(16)} lies outside RAM`,
      );
    }
    return offset;
  }

  /** The live queue on the ring at page `pfn`; undefined (and a violation) if the ring would leave RAM. */
  activate(pfn: number, options: ActivateOptions): DeviceQueue | undefined {
    const ringOffset = this.ringOffset(pfn, options);
    if (ringOffset < 0) return undefined;
    return new DeviceQueue({
      index: this.index,
      ram: options.ram,
      ...(options.heldPages && { heldPages: options.heldPages }),
      ringOffset,
      layout: this.#layout,
      indirect: hasFeature(options.features, FEATURE.INDIRECT_DESC),
      eventIndex: hasFeature(options.features, FEATURE.EVENT_IDX),
      epoch: options.epoch,
      counters: this.counters,
      ...(options.turn && { turn: options.turn }),
      interrupt: options.interrupt,
      violated: options.violated,
    });
  }
}
