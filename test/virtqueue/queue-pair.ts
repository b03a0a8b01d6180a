/** A driver's and a device's end of one queue over the same guest RAM. */

import { DriverQueue } from "../../src/guest/virtqueue/driver-queue.ts";
import type { TableAllocator } from "../../src/guest/virtqueue/driver-queue-options.ts";
import { DeviceQueue } from "../../src/host/virtqueue/device-queue.ts";
import { allocateShared, attachMemory } from "../../src/memory/attach.ts";
import { Ram } from "../../src/memory/ram.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";
import { QueueCounters } from "../../src/observe/record/counters.ts";
import { type RingLayout, ringLayout } from "../../src/wire/ring.ts";

export interface Features {
  readonly indirect: boolean;
  readonly eventIndex: boolean;
}

export const FEATURE_COMBINATIONS: readonly Features[] = [
  { indirect: false, eventIndex: false },
  { indirect: false, eventIndex: true },
  { indirect: true, eventIndex: false },
  { indirect: true, eventIndex: true },
];

/** The ring lies one page into RAM, so that neither address nor offset 0 is anything. */
export const RING_OFFSET = 4096;

export const ramBytes = (size: number, more: number): number => RING_OFFSET + ringLayout(size).bytes + more;

/** Hands out tables one after another and takes back exactly what it gave. */
export class Tables implements TableAllocator {
  /** False: there is no memory. */
  available = true;
  readonly live = new Map<number, number>();
  readonly #free = new Map<number, number[]>();
  #next: number;
  readonly #end: number;

  constructor(from: number, to: number) {
    this.#next = from;
    this.#end = to;
  }

  allocate(bytes: number): number | undefined {
    if (!this.available) return undefined;
    let address = this.#free.get(bytes)?.pop();
    if (address === undefined) {
      if (this.#next + bytes > this.#end) return undefined;
      address = this.#next;
      this.#next += bytes;
    }
    this.live.set(address, bytes);
    return address;
  }
  free(address: number, bytes: number): void {
    if (this.live.get(address) !== bytes) throw new Error(`no table of ${bytes} bytes at ${address}`);
    this.live.delete(address);
    this.#free.set(bytes, [...(this.#free.get(bytes) ?? []), address]);
  }
}

export interface PairOptions extends Partial<Features> {
  readonly size: number;
  readonly hasCallback?: boolean;
  /** Zeroed; a new one by default. */
  readonly memory?: SharedMemory;
  /** Bytes after the ring: the first half for tables, the rest for buffers. */
  readonly spare?: number;
  /** Beside being counted. */
  readonly onKick?: () => void;
  readonly onInterrupt?: () => void;
}

export interface Pair<Token> {
  readonly memory: SharedMemory;
  readonly ram: Ram;
  readonly layout: RingLayout;
  readonly tables: Tables;
  readonly driver: DriverQueue<Token>;
  readonly device: DeviceQueue;
  readonly violations: string[];
  /** Guest address of the first byte for buffers. */
  readonly buffers: number;
  kicks: number;
  interrupts: number;
}

export function queuePair<Token = number>(options: PairOptions): Pair<Token> {
  const { size, indirect = false, eventIndex = false, hasCallback = true, spare = 8192 } = options;
  const layout = ringLayout(size);
  const memory = options.memory ?? attachMemory(allocateShared(ramBytes(size, spare)));
  const ram = new Ram(memory);
  const afterRing = ram.base + RING_OFFSET + layout.bytes;
  const buffers = afterRing + spare / 2;
  const tables = new Tables(afterRing, buffers);
  const violations: string[] = [];
  const common = { index: 0, ram, ringOffset: RING_OFFSET, layout, indirect, eventIndex };
  const device = new DeviceQueue({
    ...common,
    epoch: 1,
    counters: new QueueCounters(),
    interrupt: () => {
      pair.interrupts++;
      options.onInterrupt?.();
    },
    violated: (kind, detail) => violations.push(`${kind}: ${detail}`),
  });
  const driver = new DriverQueue<Token>({
    ...common,
    name: "queue",
    hasCallback,
    tables,
    counters: new QueueCounters(),
    notify: () => {
      pair.kicks++;
      options.onKick?.();
    },
  });
  const ends = { memory, ram, layout, tables, driver, device, violations, buffers };
  const pair: Pair<Token> = { ...ends, kicks: 0, interrupts: 0 };
  return pair;
}
