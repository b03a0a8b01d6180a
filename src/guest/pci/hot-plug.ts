/**
 * Hot plug as the guest sees it. The interrupt only notes that there is something to do; the work, which binds and
 * unbinds drivers, runs where the guest polls and no driver is in the middle of anything.
 */
import { HOT_PLUG, HOT_PLUG_IRQ } from "../../wire/hot-plug.ts";
import type { IrqCore } from "../irq.ts";
import type { Log } from "../probe-error.ts";
import type { Pci } from "./pci.ts";

export class HotPlug {
  readonly #pci: Pci;
  readonly #irq: IrqCore;
  readonly #log: Log;
  #due = false;

  constructor(pci: Pci, irq: IrqCore, log: Log) {
    this.#pci = pci;
    this.#irq = irq;
    this.#log = log;
  }

  init(): void {
    this.#irq.requestIrq(HOT_PLUG_IRQ, this.#interrupt, "acpi", this);
  }

  get due(): boolean {
    return this.#due;
  }

  /** True if there was something to do. */
  work(): boolean {
    if (!this.#due) return false;
    this.#due = false;
    const { bus } = this.#pci;
    const wanted = bus.in(HOT_PLUG.wanted, 4);
    if (wanted !== 0) this.#letGo(wanted);
    if (bus.in(HOT_PLUG.changed, 4) !== 0) this.#pci.rescan();
    return true;
  }

  readonly #interrupt = (): boolean => {
    this.#due = true;
    return true;
  };

  #letGo(slots: number): void {
    for (const device of this.#pci.devices) {
      if (((slots >>> device.bdf.slot) & 1) === 0) continue;
      this.#pci.remove(device);
      this.#log(`${device.name}: let go of on request`);
    }
    this.#pci.bus.out(HOT_PLUG.eject, 4, slots);
  }
}
