/** One guest: its memory, interrupts, PCI bus and virtio bus, put together. Who runs it polls it (`GuestLoop`). */
import type { InterruptSource } from "../bus/interrupt-source.ts";
import type { PortBus } from "../bus/port-bus.ts";
import type { Ram } from "../memory/ram.ts";
import { QueueCounters } from "../observe/record/counters.ts";
import type { OtherCpus } from "./cpus.ts";
import type { GuestContext, RunOn } from "./define.ts";
import { GuestMemory, type MemoryShare } from "./guest-memory.ts";
import { IrqCore } from "./irq.ts";
import type { MessageFor } from "./msi-vectors.ts";
import { HotPlug } from "./pci/hot-plug.ts";
import { Pci } from "./pci/pci.ts";
import type { Log } from "./probe-error.ts";
import { VirtioBus } from "./virtio/bus.ts";
import type { InterruptChoice, VirtioDriver } from "./virtio/types.ts";
import { VirtioPci } from "./virtio-pci/driver.ts";

export interface GuestOptions {
  readonly ram: Ram;
  readonly bus: PortBus;
  readonly interrupts: InterruptSource;
  /** The virtual CPU that messages are sent to. */
  readonly cpu?: number;
  /** Where message interrupts must be sent; by default as a PC's local APICs want them. */
  readonly messageFor?: MessageFor;
  readonly log?: Log;
  readonly interruptTiers?: InterruptChoice;
  /** Mask of ring feature bits that drivers accept. */
  readonly ringFeatures?: number;
  readonly intxIrq?: (slot: number, pin: number) => number;
  /** The machine has hot-plug registers. */
  readonly hotPlug?: boolean;
  /** The piece of RAM that this CPU allocates from; all of it by default. */
  readonly memoryShare?: MemoryShare;
  /** On CPU 0 of several. */
  readonly cpus?: OtherCpus;
}

export class Guest {
  readonly memory: GuestMemory;
  readonly irq: IrqCore;
  readonly pci: Pci;
  readonly virtio: VirtioBus;
  readonly log: Log;
  /** What queues have counted that are not there any more. */
  readonly retired = new QueueCounters();
  readonly #virtioPci: VirtioPci;
  readonly #hotPlug: HotPlug | undefined;
  readonly #cpus: number;

  constructor(options: GuestOptions) {
    this.log = options.log ?? (() => {});
    const { log } = this;
    const { bus, ringFeatures, intxIrq, cpus } = options;
    this.memory = new GuestMemory(options.ram, options.memoryShare);
    this.irq = new IrqCore(options.interrupts, log, options.cpu, options.messageFor);
    this.pci = new Pci({ bus, irq: this.irq, log, ...(intxIrq && { intxIrq }) });
    this.virtio = new VirtioBus({
      memory: this.memory,
      log,
      ...(ringFeatures !== undefined && { ringFeatures }),
      ...(cpus !== undefined && { cpus: cpus.count }),
    });
    this.#cpus = cpus?.count ?? 1;
    this.#hotPlug = options.hotPlug ? new HotPlug(this.pci, this.irq, log) : undefined;
    this.#virtioPci = new VirtioPci({
      pci: this.pci,
      irq: this.irq,
      virtio: this.virtio,
      memory: this.memory,
      log,
      retired: this.retired,
      tiers: options.interruptTiers ?? "auto",
      cpus,
    });
  }

  /** Finds the PCI functions, loads virtio-pci, and binds `drivers`. */
  boot(drivers: readonly VirtioDriver[] = []): void {
    this.#hotPlug?.init();
    this.pci.rescan();
    this.#virtioPci.init();
    for (const driver of drivers) this.virtio.registerDriver(driver);
  }

  /** Unloads virtio-pci: every device is reset and left. */
  shutdown(): void {
    this.#virtioPci.exit();
  }

  /** Takes pending interrupts, and does what they left to be done. True if there was anything. */
  poll(): boolean {
    const took = this.irq.poll();
    return this.#hotPlug?.work() || took;
  }

  /** Whether a poll would find something. May be stale: more may have come since. */
  get pending(): boolean {
    return this.irq.pending || (this.#hotPlug?.due ?? false);
  }

  /** What a guest program is given. */
  context(
    args: unknown = null,
    progress: GuestContext["progress"] = () => {},
    runOn: RunOn = nowhere,
  ): GuestContext {
    const { virtio, pci, irq, memory, log } = this;
    const { cpu } = irq;
    return { virtio, pci, irq, memory, log, args, progress, cpu, cpus: this.#cpus, runOn };
  }

  describe() {
    return {
      pci: this.pci.describe(),
      interrupts: this.irq.table(),
      virtio: this.virtio.describe(),
      memory: { bytes: this.memory.ram.size, allocatedBytes: this.memory.allocatedBytes },
    };
  }
}

const nowhere: RunOn = (cpu) =>
  Promise.reject(new RangeError(`there is no CPU ${cpu} that a program here could run on`));
