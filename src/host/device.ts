/**
 * What a device is to the host: a record of facts and a few handlers. The entropy device is the smallest example;
 * users write theirs the same way.
 */
import type { Ram } from "../memory/ram.ts";
import type { PageHolder } from "./held-pages.ts";
import type { Violation } from "./violation.ts";
import type { DeviceQueue } from "./virtqueue/device-queue.ts";

export interface QueueSpec {
  readonly name: string;
  /** Power of two up to 32768; 0 offers no such queue. Default: the machine's queue size. */
  readonly size?: number;
}

/** What serving a queue takes of the transport, on whichever host thread. */
export interface QueueContext {
  /** e.g. "00:04.0 blk". */
  readonly name: string;
  readonly ram: Ram;
  /** Queues that the driver has set up and that this thread serves, by index; undefined where not. */
  readonly queues: readonly (DeviceQueue | undefined)[];
  /** Feature bits 0-31 that the driver accepted. */
  readonly features: number;
  /** Device configuration, the bytes that the driver reads. */
  readonly config: Uint8Array;
  /** Reports a driver's breach that the device itself found. */
  violated(violation: Omit<Violation, "device">): void;
  /**
   * Brackets back-end I/O, so that the host loop lets its completion in instead of spinning. `ioStarted` returns
   * the function that ends it.
   */
  ioStarted(): () => void;
  log(message: string): void;
}

/** The transport's side of a device, given to its handlers. `config` is changed with `updateConfig`. */
export interface DeviceContext extends QueueContext {
  /**
   * Bus mastering is on and the function is awake: the device may touch RAM. No queue is notified otherwise; what a
   * device does of its own accord has to look, and to wait for `DeviceModel.mastering`.
   */
  readonly busMaster: boolean;
  /** Changes configuration bytes and raises a configuration interrupt. */
  updateConfig(offset: number, bytes: Uint8Array): void;
  /** Does what no queue may be served beside. Parts on I/O threads then get what the model shares anew. */
  standStill<T>(work: () => Promise<T>): Promise<T>;
  /**
   * For a balloon: a holder of pages that the guest has given away. `settle` is called before an access to one of
   * them counts as a breach, to serve returns that the driver has published.
   */
  holdPages(settle: () => void): PageHolder;
}

/** A change that a user may ask for while the machine runs: `Machine.deviceCommand`. */
export interface DeviceCommand {
  readonly help: string;
  /** Throws `UsageError` for bad arguments. What it returns travels to the caller: plain data. */
  run(args: readonly string[], context: DeviceContext): unknown;
}

/** A model's part on an I/O thread, which serves some of the device's queues there. */
export interface DevicePart {
  /** As `DeviceModel.queueNotified`. */
  queueNotified(queue: DeviceQueue, context: QueueContext): void;
  /**
   * The driver reset the device; the part's queues are detached. What it promises is kept when nothing that was begun
   * can change the device's storage any more: the reset waits for it.
   */
  reset?(context: QueueContext): void | Promise<void>;
  /** The model shares something else from now on. Nothing is served meanwhile. */
  shared?(share: unknown): void;
  close?(): void | Promise<void>;
  describe?(): Record<string, unknown>;
}

/** A device model: one instance serves one PCI function. */
export interface DeviceModel {
  /** Device feature bits 0-23 offered; the transport adds the ring's. */
  readonly features: number;
  readonly queues: readonly QueueSpec[];
  /** Initial device configuration; its length is the size of the configuration window. */
  readonly config?: Uint8Array;
  /** The driver kicked the queue (or it was set up with work in it). Serve it until it is empty: `queue.serve`. */
  queueNotified(queue: DeviceQueue, context: DeviceContext): void;
  /** The driver wrote configuration; `context.config` has the bytes already. Without this, writes are ignored. */
  configWritten?(offset: number, length: number, context: DeviceContext): void;
  /** The driver set DRIVER_OK. */
  started?(context: DeviceContext): void;
  /** The device may touch RAM again (`DeviceContext.busMaster`): what came meanwhile goes on. */
  mastering?(context: DeviceContext): void;
  /** The driver reset the device: forget everything that the specification does not keep. Queues are detached. */
  reset?(context: DeviceContext): void;
  /** The machine ends: release files and sockets. */
  close?(): void | Promise<void>;
  /** State for `--json` and stall reports. */
  describe?(): Record<string, unknown>;
  /**
   * For a device whose queues I/O threads may serve (`DeviceDefinition.createPart`): which, and what its parts are made
   * from. That goes to other threads: plain data, and shared bytes.
   */
  readonly parts?: { readonly queues: readonly number[]; readonly share: unknown } | undefined;
  /** What can be asked of the device at run time, by name. */
  readonly commands?: Readonly<Record<string, DeviceCommand>>;
}

/** Where nondeterminism comes from, so that a run can be repeated. */
export interface Platform {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Fills the bytes with random ones. */
  randomFill(bytes: Uint8Array): void;
  /** Calls back once, after so many milliseconds; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** One option of a device: what `virtlab list devices` prints and `--device NAME,key=value` is checked against. */
export interface DeviceOption {
  readonly type: "string" | "number" | "size" | "boolean" | readonly string[];
  readonly help: string;
  readonly default?: string | number | boolean;
}

/** Validated option values by name. */
export type DeviceOptions = Readonly<Record<string, string | number | boolean | undefined>>;

export interface DeviceDefinition {
  readonly name: string;
  /** Virtio device id [virtio 1.4, 5]. */
  readonly virtioId: number;
  readonly summary: string;
  readonly options?: Readonly<Record<string, DeviceOption>>;
  create(options: DeviceOptions, platform: Platform): DeviceModel | Promise<DeviceModel>;
  /**
   * Where queues may be served by I/O threads (`--io-threads`): makes an I/O thread's part of a device, on that thread,
   * from what the model shares. A part and its model have nothing else in common. Without it all queues are served by
   * the host's own thread.
   */
  createPart?(share: unknown, platform: Platform): DevicePart | Promise<DevicePart>;
}

/** Gives a device its type; a module's default export is what `--device ./module.js` loads. */
export function defineDevice(definition: DeviceDefinition): DeviceDefinition {
  return definition;
}

/** The user's fault (an option, a file): one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
