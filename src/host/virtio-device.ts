/**
 * A virtio device without its transport: features, status, queues and configuration around one device model. The
 * transport writes registers through it; the model sees it as its `DeviceContext`.
 */
import type { Ram } from "../memory/ram.ts";
import { RING_FEATURES, TRANSPORT_FEATURE_MASK } from "../wire/features.ts";
import { describeStatus, isStatusStep, STATUS } from "../wire/status.ts";
import type { DeviceContext, DeviceModel } from "./device.ts";
import type { HeldPages, PageHolder } from "./held-pages.ts";
import { QueueConfig } from "./queue-config.ts";
import type { Violation, ViolationKind } from "./violation.ts";
import type { DeviceQueue } from "./virtqueue/device-queue.ts";

/** How a device asks for attention, by meaning; the transport turns it into ISR bits, a line or a message. */
export interface DeviceInterrupts {
  queueInterrupt(index: number): void;
  configInterrupt(): void;
}

/** What the host gives every device. */
export interface HostServices {
  readonly ram: Ram;
  readonly heldPages: HeldPages;
  violated(violation: Violation): void;
  ioStarted(): () => void;
  log(message: string): void;
}

export interface VirtioDeviceOptions {
  /** e.g. "00:04.0 blk". */
  readonly name: string;
  readonly model: DeviceModel;
  /** For queues whose model names no size. */
  readonly queueSize: number;
  /** Of INDIRECT_DESC and EVENT_IDX, those to offer. */
  readonly transportFeatures: number;
  readonly services: HostServices;
  readonly interrupts: DeviceInterrupts;
}

export class VirtioDevice implements DeviceContext {
  readonly name: string;
  readonly ram: Ram;
  readonly model: DeviceModel;
  readonly queueConfigs: readonly QueueConfig[];
  readonly config: Uint8Array;
  readonly offeredFeatures: number;
  readonly #services: HostServices;
  protected readonly interrupts: DeviceInterrupts;
  readonly #queues: (DeviceQueue | undefined)[];
  /** Queues kicked and not yet served, in no order. */
  protected readonly kicked = new Set<number>();
  readonly #pfns: number[];
  #features = 0;
  #status = 0;
  #epoch = 0;

  constructor(options: VirtioDeviceOptions) {
    const { model } = options;
    this.name = options.name;
    this.ram = options.services.ram;
    this.model = model;
    this.queueConfigs = model.queues.map(
      (spec, index) => new QueueConfig(index, spec.name, spec.size ?? options.queueSize),
    );
    this.config = Uint8Array.from(model.config ?? []);
    // Bits 24-31 belong to the transport: of those a model offers none by itself.
    this.offeredFeatures =
      ((model.features & ~TRANSPORT_FEATURE_MASK) | (options.transportFeatures & RING_FEATURES)) >>> 0;
    this.#services = options.services;
    this.interrupts = options.interrupts;
    this.#queues = model.queues.map(() => undefined);
    this.#pfns = model.queues.map(() => 0);
  }

  get queues(): readonly (DeviceQueue | undefined)[] {
    return this.#queues;
  }
  get features(): number {
    return this.#features;
  }
  get status(): number {
    return this.#status;
  }
  /** Resets so far. */
  get epoch(): number {
    return this.#epoch;
  }
  get hasKicks(): boolean {
    return this.kicked.size > 0;
  }
  queuePfn(index: number): number {
    return this.#pfns[index] ?? 0;
  }

  acceptFeatures(value: number): void {
    const excess = (value & ~this.offeredFeatures) >>> 0;
    if (excess !== 0) {
      this.report(
        "feature-not-offered",
        `driver accepted 0x${value.toString(16)}, offered 0x${this.offeredFeatures.toString(16)}`,
      );
    }
    this.#features = (value & this.offeredFeatures) >>> 0;
  }

  /** Any status but 0, which is `reset`. */
  setStatus(value: number): void {
    const before = this.#status;
    if (!isStatusStep(before, value)) {
      this.report("status-step", `status went from ${describeStatus(before)} to ${describeStatus(value)}`);
    }
    this.#status = value;
    if ((value & ~before & STATUS.DRIVER_OK) !== 0) this.model.started?.(this);
  }

  reset(): void {
    this.#status = 0;
    this.#features = 0;
    this.#epoch++;
    for (const { index } of this.queueConfigs) this.detach(index);
    this.model.reset?.(this);
  }

  /** Sets a queue up at a page, anew if it was; page 0 takes it down, and with it the chains the device holds. */
  setQueuePfn(index: number, pfn: number): void {
    const config = this.queueConfigs[index];
    if (config === undefined || config.size === 0) return;
    this.detach(index);
    if (pfn === 0) return;
    const queue = config.activate(pfn, {
      ram: this.ram,
      heldPages: this.#services.heldPages,
      features: this.#features,
      epoch: this.#epoch,
      interrupt: () => this.interrupts.queueInterrupt(index),
      violated: (kind, detail) => this.report(kind, detail, index),
    });
    this.#queues[index] = queue;
    this.#pfns[index] = queue === undefined ? 0 : pfn;
  }

  /** Remembers a kick until `runKicked`. A kick of a queue that is not set up then has no effect. */
  kick(index: number): void {
    if (index < this.queueConfigs.length) this.kicked.add(index);
    else this.report("notify-range", `notified queue ${index} of ${this.queueConfigs.length}`);
  }

  /** Serves the kicked queues. */
  runKicked(): void {
    for (const index of this.kicked) {
      this.kicked.delete(index);
      const queue = this.#queues[index];
      if (queue === undefined) continue;
      queue.counters.kicksReceived++;
      if (!queue.hasAvailable) queue.counters.spurious++;
      if (!queue.broken) this.model.queueNotified(queue, this);
    }
  }

  readConfig(offset: number): number {
    return this.config[offset] ?? 0xff;
  }

  /** A model that does not listen has nothing to be written. */
  writeConfig(offset: number, bytes: Uint8Array): void {
    if (this.model.configWritten === undefined || offset >= this.config.length) return;
    const fitting = bytes.subarray(0, this.config.length - offset);
    this.config.set(fitting, offset);
    this.model.configWritten(offset, fitting.length, this);
  }

  /** While the device is reset nobody is told [2.4.1]: who starts it reads what there is. */
  updateConfig(offset: number, bytes: Uint8Array): void {
    this.config.set(bytes, offset);
    if (this.#status !== 0) this.interrupts.configInterrupt();
  }

  violated(violation: Omit<Violation, "device">): void {
    this.#services.violated({ ...violation, device: this.name });
  }

  /** A breach seen at the registers (queue -1) or in a queue. */
  report(kind: ViolationKind, detail: string, queue = -1): void {
    this.violated({ kind, queue, detail });
  }

  ioStarted(): () => void {
    return this.#services.ioStarted();
  }

  holdPages(settle: () => void): PageHolder {
    return this.#services.heldPages.holder(settle);
  }

  log(message: string): void {
    this.#services.log(`${this.name}: ${message}`);
  }

  describe() {
    return {
      status: describeStatus(this.#status),
      epoch: this.#epoch,
      offeredFeatures: this.offeredFeatures,
      features: this.#features,
      kicked: [...this.kicked],
      queues: this.queueConfigs.map((config) => ({
        name: config.name,
        size: config.size,
        counters: { ...config.counters },
        active: this.#queues[config.index]?.describe() ?? null,
      })),
      model: this.model.describe?.() ?? {},
    };
  }

  protected detach(index: number): void {
    this.#queues[index]?.detach();
    this.#queues[index] = undefined;
    this.#pfns[index] = 0;
    this.kicked.delete(index);
  }
}
