/**
 * The virtio bus as drivers see it: a device behind some transport, and what a driver is. The virtio-pci transport is
 * one implementation of `VirtioTransport`.
 */
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
  /** All of the queues, in order, or an error with everything undone. A `DriverQueue<never>` fits any token type. */
  findQueues(requests: readonly QueueRequest[]): DriverQueue<never>[];
  deleteQueues(): void;
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
  /** Requests that somebody awaits now: how a machine that has stalled is told from one at rest. */
  outstanding?(data: Data): number;
  /** Somebody waits for what the outside world may never send: that is no stall. */
  awaitsInput?(data: Data): boolean;
}
