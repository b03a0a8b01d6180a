/**
 * The virtio bus as drivers see it: a device behind some transport, and what a driver is. The virtio-pci transport is
 * one implementation of `VirtioTransport`.
 */
import type { DevicePart } from "../cpus.ts";
import type { GuestMemory } from "../guest-memory.ts";
import type { DriverQueue } from "../virtqueue/driver-queue.ts";

export { ProbeError } from "../probe-error.ts";

/** One queue that a driver wants: no callback means no interrupt for it. */
export interface QueueRequest {
  readonly name: string;
  readonly callback?: (queue: DriverQueue<never>) => void;
}

/** How interrupts arrive: a vector per queue, one vector for all queues, a line; or no queues yet. */
export type InterruptTier = "msix" | "msix-shared" | "intx" | "none";
/** Which tiers `findQueues` tries: all from the best down, or one only. */
export type InterruptChoice = "auto" | Exclude<InterruptTier, "none">;

/** What a transport needs of the device that it carries. */
export interface TransportOwner {
  /** "virtio0", for names of interrupts. */
  readonly name: string;
  configChanged(): void;
}

/** Register-level operations; synchronous, as in a kernel. Errors are `ProbeError`s. */
export interface VirtioTransport {
  /** Comes before everything else. */
  attach(owner: TransportOwner): void;
  getFeatures(): number;
  /** Writes the features that the ring layer and the driver both know; returns them. */
  finalizeFeatures(features: number): number;
  /** Byte by byte, ascending. */
  getConfig(offset: number, target: Uint8Array): void;
  setConfig(offset: number, source: Uint8Array): void;
  getStatus(): number;
  /** Setting 0 is a bug in the caller: `reset` is the only way to 0. */
  setStatus(status: number): void;
  /** When it returns the device is reset and no handler of it is running. */
  reset(): void;
  /**
   * Of a part of a device, which only CPU 0 can reset: asks for that. True: what is in flight stays so until the
   * driver is told to remove the device; false: CPU 0 has reset it.
   */
  askForReset?(): boolean;
  /** All of the queues, in order, or an error with everything undone. A `DriverQueue<never>` fits any token type. */
  findQueues(requests: readonly QueueRequest[]): DriverQueue<never>[];
  deleteQueues(): void;
  /** Gives fresh queues to another CPU; they come back with the next reset, and not before. */
  give?(cpu: number, queues: readonly number[], id: DevicePart["id"]): void;
  /** Has the drivers' halves on other CPUs hear `partStarted`. */
  startParts?(): void;
  /** Of this CPU. */
  readonly queues: readonly DriverQueue<never>[];
  /** Where on its bus the device sits: "00:04.0". */
  readonly busName: string;
  readonly tier: InterruptTier;
}

/** A device on the virtio bus. */
export interface VirtioDevice {
  readonly name: string;
  readonly id: { readonly vendor: number; readonly device: number };
  readonly transport: VirtioTransport;
  /** Negotiated features (device and driver and ring), once a driver has bound. */
  readonly features: number;
  readonly memory: GuestMemory;
  /** How many queues this CPU has of a device that belongs to CPU 0; undefined: all of it is here. */
  readonly partQueues: number | undefined;
  /** What the bound driver's probe returned. */
  readonly driverData: unknown;
}

/** A driver: matched by virtio device id, given devices to probe. */
export interface VirtioDriver<Data = unknown> {
  readonly name: string;
  readonly deviceId: number;
  /** Device feature bits 0-23 it understands. */
  readonly features: number;
  /** Sets the device up and returns the driver's own object (the promise façade, often). Throws to refuse. */
  probe(device: VirtioDevice): Data;
  /** Resets the device, gives back requests in flight as cancelled, deletes its queues. */
  remove(device: VirtioDevice, data: Data): void;
  configChanged?(device: VirtioDevice, data: Data): void;
  /**
   * Queues that another CPU may drive, in groups that belong together; the first group stays on CPU 0. A driver that
   * has this is also probed for the parts (`VirtioDevice.partQueues`), and finds as many queues there.
   */
  parts?(data: Data): readonly (readonly number[])[];
  /** The queues are another CPU's now. */
  gaveAway?(data: Data, queues: readonly number[]): void;
  /** On another CPU: CPU 0's half has called the transport's `startParts`. */
  partStarted?(data: Data): void;
  /** Another CPU found the device broken: resets it, which ends everything that is in flight. */
  broken?(data: Data, reason: string): void;
  /** Requests that somebody awaits now: how a machine that has stalled is told from one at rest. */
  outstanding?(data: Data): number;
  /** Somebody waits for what the outside world may never send: that is no stall. */
  awaitsInput?(data: Data): boolean;
}
