/**
 * Several virtual CPUs in one guest. CPU 0 has the buses and binds the drivers; of a device with several queues it
 * then gives parts away: some queues, with their vectors, to each of the other CPUs. A driver's half there runs on its
 * own thread and shares nothing with CPU 0's but the device. Before a device's memory is used for anything else, CPU 0
 * takes its parts back, and waits for it.
 */
import type { VirtioDevice } from "./virtio/types.ts";

/** System interrupts between CPUs: a call is there; a device that has no vector for it wants a look at the queues. */
export const CALL_IRQ = 10;
export const QUEUES_IRQ = 11;

export interface PartQueue {
  readonly index: number;
  readonly name: string;
  readonly ringAddress: number;
  readonly size: number;
  /** Of its own vector; null where the device has none for it, and CPU 0 passes its interrupts on. */
  readonly irq: number | null;
}

/** What CPU 0 gives away of a device. Plain data: it travels between threads. */
export interface DevicePart {
  /** "virtio0", and its place: "00:04.0". */
  readonly name: string;
  readonly busName: string;
  readonly id: VirtioDevice["id"];
  readonly features: number;
  /** Where its registers are, and whether MSI-X has moved its configuration. */
  readonly ioBase: number;
  readonly msixEnabled: boolean;
  readonly tier: "msix" | "msix-shared" | "intx" | "none";
  /** Fresh: nothing was ever added to them. */
  readonly queues: readonly PartQueue[];
}

export type CpuRequest =
  | { readonly kind: "attach"; readonly part: DevicePart }
  /** After the device was reset: nothing of the part is in use when the call is done. */
  | { readonly kind: "detach"; readonly name: string }
  /** The device is awake again. */
  | { readonly kind: "resumed"; readonly name: string }
  /** The driver on CPU 0 has told the device of the queues. */
  | { readonly kind: "started"; readonly name: string }
  | { readonly kind: "configChanged"; readonly name: string };

/** The other CPUs, as CPU 0 sees them. */
export interface OtherCpus {
  /** CPUs of the guest, CPU 0 included. */
  readonly count: number;
  /** Returns when the other CPU has done it. */
  call(cpu: number, request: CpuRequest): void;
  /** Has another CPU look at all its queues: an interrupt came that may be for one of them. */
  lookAtQueues(cpu: number): void;
}
