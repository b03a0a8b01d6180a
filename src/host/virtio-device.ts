/**
 * A virtio device without its transport: features, status, queues and configuration around one device model. The
 * transport writes registers through it; the model sees it as its `DeviceContext`.
 */
import type { Ram } from "../memory/ram.ts";
import { RING_FEATURES, TRANSPORT_FEATURE_MASK } from "../wire/features.ts";
import { describeStatus, isStatusStep, STATUS } from "../wire/status.ts";
import type { DeviceContext, DeviceModel } from "./device.ts";
import type { HeldPages, PageHolder } from "./held-pages.ts";
import type { IoQueues } from "./io-queues.ts";
import { QueueConfig } from "./queue-config.ts";
import { ServedQueues } from "./served-queues.ts";
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
  /** Where I/O threads serve queues of it. */
  readonly ioQueues?: IoQueues | undefined;
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
  readonly #served: ServedQueues;
  readonly #elsewhere: IoQueues | undefined;
  readonly #pfns: number[];
  #busMaster = false;
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
    this.#elsewhere = options.ioQueues;
    this.#served = new ServedQueues({
      configs: this.queueConfigs,
      ram: this.ram,
      heldPages: options.services.heldPages,
      interrupt: (queue) => this.interrupts.queueInterrupt(queue),
      violated: (kind, detail, queue) => this.report(kind, detail, queue),
      leftWork: () => options.services.ioStarted()(),
    });
    this.#pfns = model.queues.map(() => 0);
  }

  get queues(): readonly (DeviceQueue | undefined)[] {
    return this.#served.live;
  }
  get busMaster(): boolean {
    return this.#busMaster;
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
    return this.#served.runnable;
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
    this.#elsewhere?.changed();
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
    this.#elsewhere?.reset();
    for (const { index } of this.queueConfigs) this.detach(index);
    this.model.reset?.(this);
  }

  /** Sets a queue up at a page, anew if it was; page 0 takes it down, and with it the chains the device holds. */
  setQueuePfn(index: number, pfn: number): void {
    const config = this.queueConfigs[index];
    if (config === undefined || config.size === 0) return;
    this.detach(index);
    if (pfn === 0) return;
    const live = this.#elsewhere?.takes(index)
      ? this.#handOver(config, pfn, this.#elsewhere)
      : this.#served.setUp(index, pfn, this);
    this.#pfns[index] = live ? pfn : 0;
  }

  #handOver(config: QueueConfig, pfn: number, to: IoQueues): boolean {
    const { index } = config;
    const violated = (kind: ViolationKind, detail: string): void => this.report(kind, detail, index);
    if (config.ringOffset(pfn, { ram: this.ram, violated }) < 0) return false;
    to.attach(index, pfn);
    return true;
  }

  /** Remembers a kick until `runKicked`. A kick of a queue that is not set up then has no effect. */
  kick(index: number): void {
    if (index < this.queueConfigs.length) this.#served.kicked.add(index);
    else this.report("notify-range", `notified queue ${index} of ${this.queueConfigs.length}`);
  }

  /** Serves the kicked queues, or passes the kicks on. */
  runKicked(): void {
    if (this.#elsewhere !== undefined) this.#passKicks(this.#elsewhere);
    this.#served.run(this.#notify);
  }

  readonly #notify = (queue: DeviceQueue): void => this.model.queueNotified(queue, this);

  #passKicks(to: IoQueues): void {
    for (const index of this.#served.kicked) if (to.passKick(index)) this.#served.kicked.delete(index);
  }

  /** Bus mastering, or power, came or went. */
  setBusMaster(on: boolean): void {
    this.#busMaster = on;
    if (on) this.model.mastering?.(this);
    this.#elsewhere?.changed();
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
    this.#elsewhere?.changed();
  }

  /** While the device is reset nobody is told [2.4.1]: who starts it reads what there is. */
  updateConfig(offset: number, bytes: Uint8Array): void {
    this.config.set(bytes, offset);
    this.#elsewhere?.changed();
    if (this.#status !== 0) this.interrupts.configInterrupt();
  }

  async standStill<T>(work: () => Promise<T>): Promise<T> {
    const goOn = this.#elsewhere?.standStill();
    try {
      const done = await work();
      this.#elsewhere?.share(this.model.parts?.share);
      return done;
    } finally {
      goOn?.();
    }
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
      kicked: [...this.#served.kicked],
      queues: this.queueConfigs.map((config) => ({
        name: config.name,
        size: config.size,
        counters: { ...config.counters },
        active: this.#served.live[config.index]?.describe() ?? null,
        ioThread: this.#elsewhere?.threadOf(config.index) ?? 0,
      })),
      model: this.model.describe?.() ?? {},
    };
  }

  protected detach(index: number): void {
    this.#served.detach(index);
    this.#elsewhere?.detach(index);
    this.#pfns[index] = 0;
  }
}
