/** The virtio-pci transport: the virtio bus's operations in terms of the legacy register block. */
import type { QueueCounters } from "../../observe/record/counters.ts";
import { RING_FEATURES, TRANSPORT_FEATURE_MASK } from "../../wire/features.ts";
import { NO_VECTOR } from "../../wire/legacy-registers.ts";
import type { CpuRequest, DevicePart, OtherCpus } from "../cpus.ts";
import type { GuestMemory } from "../guest-memory.ts";
import type { IrqCore } from "../irq.ts";
import type { Pci } from "../pci/pci.ts";
import type { PciDevice } from "../pci/pci-device.ts";
import { ProbeError } from "../probe-error.ts";
import type {
  InterruptChoice,
  InterruptTier,
  QueueRequest,
  TransportOwner,
  VirtioTransport,
} from "../virtio/types.ts";
import type { DriverQueue } from "../virtqueue/driver-queue.ts";
import { Interrupts, queueInterrupt } from "./interrupts.ts";
import { Queues } from "./queues.ts";
import type { LegacyRegisters } from "./registers.ts";
import { QUEUE_VECTOR, Vectors } from "./vectors.ts";

/** Reads of a status that does not become 0 before the device counts as dead. */
const RESET_READS_MAX = 10_000;
/** What a device that is no longer there reads as. */
const STATUS_GONE = 0xff;

type Tier = Exclude<InterruptTier, "none">;
const BEST_FIRST: readonly Tier[] = ["msix", "msix-shared", "intx"];

export interface TransportOptions {
  readonly device: PciDevice;
  readonly registers: LegacyRegisters;
  readonly pci: Pci;
  readonly irq: IrqCore;
  readonly memory: GuestMemory;
  readonly retired: QueueCounters;
  readonly tiers: InterruptChoice;
  readonly cpus?: OtherCpus | undefined;
}

export class VirtioPciTransport implements VirtioTransport {
  readonly busName: string;
  tier: InterruptTier = "none";
  protected readonly registers: LegacyRegisters;
  readonly #pci: Pci;
  readonly #device: PciDevice;
  readonly #queues: Queues;
  readonly #vectors: Vectors;
  readonly #tiers: readonly Tier[];
  #owner: TransportOwner | undefined;
  #features = 0;
  readonly #cpus: OtherCpus | undefined;
  /** CPUs that have a part of the device. */
  readonly #givenTo = new Set<number>();

  constructor(options: TransportOptions) {
    const { registers } = options;
    this.busName = options.device.name;
    this.#pci = options.pci;
    this.#device = options.device;
    this.registers = registers;
    this.#queues = new Queues(options);
    this.#cpus = options.cpus;
    const interrupts = new Interrupts(registers, this.#queues, () => {
      this.#owner?.configChanged();
      this.#tellParts("configChanged");
    });
    this.#vectors = new Vectors({ ...options, interrupts });
    this.#tiers = options.tiers === "auto" ? BEST_FIRST : [options.tiers];
  }

  attach(owner: TransportOwner): void {
    this.#owner = owner;
  }

  get queues(): readonly DriverQueue<never>[] {
    return this.#queues.list.filter(({ elsewhere }) => elsewhere === undefined).map(({ queue }) => queue);
  }

  /** The vector goes where the queue goes; without one of its own the queue's interrupts are passed on. */
  give(cpu: number, queues: readonly number[], id: DevicePart["id"]): void {
    const cpus = this.#cpus;
    if (cpus === undefined) throw new Error(`${this.#name()}: there is no other CPU`);
    const given = this.#queues.list.filter(({ queue }) => queues.includes(queue.index));
    const own = this.tier === "msix";
    for (const info of given) {
      info.elsewhere = () => cpus.lookAtQueues(cpu);
      if (own && info.vector !== NO_VECTOR) this.#pci.setAffinity(this.#device, info.vector, cpu);
    }
    const part: DevicePart = {
      name: this.#name(),
      busName: this.busName,
      id,
      features: this.#features,
      ioBase: this.registers.base,
      msixEnabled: this.#vectors.msixEnabled,
      tier: this.tier,
      queues: given.map(({ queue, vector, ringAddress, layout }) => ({
        index: queue.index,
        name: queue.name,
        ringAddress,
        size: layout.size,
        irq: own && vector !== NO_VECTOR ? this.#vectors.irqOf(vector) : null,
      })),
    };
    this.#givenTo.add(cpu);
    cpus.call(cpu, { kind: "attach", part });
  }

  getFeatures(): number {
    return this.registers.read("hostFeatures");
  }

  /** The ring layer drops the transport bits that it does not know; there are 32 feature bits and no more. */
  finalizeFeatures(features: number): number {
    this.#features = (features & (~TRANSPORT_FEATURE_MASK | RING_FEATURES)) >>> 0;
    this.registers.write("guestFeatures", this.#features);
    return this.#features;
  }

  getConfig(offset: number, target: Uint8Array): void {
    this.registers.readConfig(offset, target, this.#vectors.msixEnabled);
  }
  setConfig(offset: number, source: Uint8Array): void {
    this.registers.writeConfig(offset, source, this.#vectors.msixEnabled);
  }

  getStatus(): number {
    return this.registers.read("status");
  }
  setStatus(status: number): void {
    if (status === 0) throw new Error("status 0 is a reset, and has its own operation");
    this.registers.write("status", status);
  }

  /**
   * The read back is a flush: the device has served the write, and with it everything that it was doing. Then no
   * handler may still be running: on this virtual CPU none can be, since we are, and other CPUs give up their parts.
   */
  reset(): void {
    try {
      this.#resetDevice();
    } finally {
      this.#tellParts("detach");
      this.#givenTo.clear();
    }
  }

  #resetDevice(): void {
    // A device that sleeps would not hear it, and go on with memory that is no longer its own.
    this.#pci.resume(this.#device);
    this.registers.write("status", 0);
    for (let reads = 0; reads < RESET_READS_MAX; reads++) {
      const status = this.registers.read("status");
      if (status === 0 || status === STATUS_GONE) return;
    }
    throw new ProbeError("EIO", `${this.#name()}: the device does not complete its reset`);
  }

  /** A kick that was written while the device slept went nowhere: say it again where something is out. */
  resumed(): void {
    for (const queue of this.queues) if (queue.inFlight > 0) queue.notify();
    this.#tellParts("resumed");
  }

  startParts(): void {
    this.#tellParts("started");
  }

  findQueues(requests: readonly QueueRequest[]): DriverQueue<never>[] {
    let failure: unknown;
    for (const tier of this.#tiers) {
      try {
        return this.#tryTier(tier, requests);
      } catch (error) {
        if (!(error instanceof ProbeError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  deleteQueues(): void {
    for (const info of this.#queues.list) {
      // Its handler goes first, so that none runs while the queue is taken apart.
      if (this.tier === "msix" && info.vector !== NO_VECTOR) this.#vectors.freeQueue(info.vector);
      this.#queues.delete(info, this.#vectors.msixEnabled);
    }
    this.tier = "none";
    this.#vectors.free();
  }

  #tryTier(tier: Tier, requests: readonly QueueRequest[]): DriverQueue<never>[] {
    this.#requestVectors(tier, requests);
    this.tier = tier;
    let nextVector = this.#vectors.used;
    try {
      return requests.map((request, index) => {
        const wanted = request.callback !== undefined && tier !== "intx";
        const own = wanted && tier === "msix";
        const vector = own ? nextVector++ : wanted ? QUEUE_VECTOR : NO_VECTOR;
        return this.#setUp(index, request, vector, own);
      });
    } catch (error) {
      this.deleteQueues();
      throw error;
    }
  }

  #requestVectors(tier: Tier, requests: readonly QueueRequest[]): void {
    const name = this.#name();
    if (tier === "intx") {
      this.#vectors.requestIntx(name);
      return;
    }
    const own = requests.filter(({ callback }) => callback !== undefined).length;
    this.#vectors.requestMsix(name, tier === "msix" ? 1 + own : 2, tier === "msix");
  }

  #setUp(index: number, request: QueueRequest, vector: number, own: boolean): DriverQueue<never> {
    const info = this.#queues.setUp(index, request, vector, this.#features);
    if (!own) return info.queue;
    try {
      this.#vectors.requestQueue(vector, `${this.#name()}-${request.name}`, () => queueInterrupt(info));
    } catch (error) {
      // Without a handler to free it is not like the others.
      this.#queues.delete(info, true);
      throw error;
    }
    return info.queue;
  }

  #tellParts(kind: Exclude<CpuRequest["kind"], "attach">): void {
    for (const cpu of this.#givenTo) this.#cpus?.call(cpu, { kind, name: this.#name() });
  }

  #name(): string {
    return this.#owner?.name ?? "virtio?";
  }
}
