/** What a driver-side virtqueue is made from: its transport and the guest's allocator supply it. */
import type { Ram } from "../../memory/ram.ts";
import type { QueueCounters } from "../../observe/record/counters.ts";
import type { RingLayout } from "../../wire/ring.ts";

/** Memory for indirect tables, from the guest's allocator: `bytes` contiguous bytes, 16-byte aligned. */
export interface TableAllocator {
  allocate(bytes: number): number | undefined;
  free(address: number, bytes: number): void;
}

export interface DriverQueueOptions {
  readonly index: number;
  readonly name: string;
  readonly ram: Ram;
  /** Where the zeroed ring block starts in RAM, in bytes. */
  readonly ringOffset: number;
  readonly layout: RingLayout;
  readonly indirect: boolean;
  readonly eventIndex: boolean;
  /** False: the queue has no callback and starts with interrupts off. */
  readonly hasCallback: boolean;
  readonly tables: TableAllocator;
  readonly counters: QueueCounters;
  /** Writes the queue's index to the notify register. */
  readonly notify: () => void;
}
