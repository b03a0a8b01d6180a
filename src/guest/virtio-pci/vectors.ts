/** A virtio-pci device's interrupts: asked for tier by tier, and given back whole. */
import { NO_VECTOR } from "../../wire/legacy-registers.ts";
import type { IrqCore, IrqHandler } from "../irq.ts";
import type { Pci } from "../pci/pci.ts";
import type { PciDevice } from "../pci/pci-device.ts";
import { ProbeError } from "../probe-error.ts";
import type { Interrupts } from "./interrupts.ts";
import type { LegacyRegisters } from "./registers.ts";

/** Vector 0 tells of configuration changes; the shared queue vector, or the first queue's own, is 1. */
export const CONFIG_VECTOR = 0;
export const QUEUE_VECTOR = 1;

interface VectorsOptions {
  readonly pci: Pci;
  readonly irq: IrqCore;
  readonly device: PciDevice;
  readonly registers: LegacyRegisters;
  readonly interrupts: Interrupts;
}

export class Vectors {
  msixEnabled = false;
  readonly #options: VectorsOptions;
  /** By vector; the first `#used` of them have a handler that `free` gives back. */
  #irqs: readonly number[] = [];
  #used = 0;
  #intxEnabled = false;

  constructor(options: VectorsOptions) {
    this.#options = options;
  }

  /** Vectors with a handler, those of single queues excluded: the first queue's own is next. */
  get used(): number {
    return this.#used;
  }

  /** Exactly `count` vectors, with a handler for configuration and, unless each queue has its own, one for queues. */
  requestMsix(name: string, count: number, perQueue: boolean): void {
    const { pci, device, interrupts } = this.#options;
    const result = pci.enableMsix(device, count);
    if (!result.ok) {
      throw new ProbeError("ENOSPC", `${name}: needs ${count} MSI-X vectors, there are ${result.available}`);
    }
    this.#irqs = result.irqs;
    this.msixEnabled = true;
    try {
      this.#handle(`${name}-config`, interrupts.config);
      this.#assignConfigVector(name);
      if (!perQueue) this.#handle(`${name}-virtqueues`, interrupts.allQueues);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  requestIntx(name: string): void {
    const { irq, device, interrupts } = this.#options;
    irq.requestIrq(device.irq, interrupts.line, name, this, { shared: true });
    this.#intxEnabled = true;
  }

  /** A queue's own vector gets its handler. */
  requestQueue(vector: number, name: string, handler: IrqHandler): void {
    this.#options.irq.requestIrq(this.#irq(vector), handler, name, this);
  }

  freeQueue(vector: number): void {
    this.#options.irq.freeIrq(this.#irq(vector), this);
  }

  /** The irq of a vector that was requested. */
  irqOf(vector: number): number {
    return this.#irq(vector);
  }

  free(): void {
    const { pci, irq, device, registers } = this.#options;
    if (this.#intxEnabled) {
      irq.freeIrq(device.irq, this);
      this.#intxEnabled = false;
    }
    for (let vector = 0; vector < this.#used; vector++) irq.freeIrq(this.#irq(vector), this);
    if (this.msixEnabled) {
      registers.write("configVector", NO_VECTOR);
      // Flush: the device has let go of the vector before it is taken away.
      registers.read("configVector");
      pci.disableMsix(device);
      this.msixEnabled = false;
    }
    this.#used = 0;
    this.#irqs = [];
  }

  #handle(name: string, handler: IrqHandler): void {
    this.#options.irq.requestIrq(this.#irq(this.#used), handler, name, this);
    this.#used++;
  }

  #assignConfigVector(name: string): void {
    const { registers } = this.#options;
    registers.write("configVector", CONFIG_VECTOR);
    if (registers.read("configVector") === NO_VECTOR) {
      throw new ProbeError("EBUSY", `${name}: the device refused vector ${CONFIG_VECTOR} for configuration`);
    }
  }

  #irq(vector: number): number {
    const irq = this.#irqs[vector];
    if (irq === undefined) throw new Error(`vector ${vector} was not requested`);
    return irq;
  }
}
