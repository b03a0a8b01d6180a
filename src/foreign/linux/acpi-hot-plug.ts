/**
 * PCI hot plug as the ACPI code in SeaBIOS knows it, in front of our hot-plug registers: an event of ACPI instead of an
 * interrupt, and registers that keep their bits. (That code reads them once for each slot; ours clear when read,
 * as those of later PCs do.)
 */
import type { PortHandler, Width } from "../../bus/port-bus.ts";
import { HOT_PLUG } from "../../wire/hot-plug.ts";
import type { V86Cpu } from "./v86.ts";

/** Which slots may be ejected; asked once by SeaBIOS. */
const REMOVABLE = HOT_PLUG.end;
export const ACPI_HOT_PLUG_END = REMOVABLE + 4;

/** General-purpose event 1 is PCI hot plug: status and enable bytes of events 0-7. */
const GPE_STATUS_PORT = 0xafe0;
const GPE_ENABLE_PORT = 0xafe2;
const HOT_PLUG_EVENT = 1 << 1;
/** ACPI's interrupt. */
const SCI = 9;

export class AcpiHotPlug {
  readonly #cpu: V86Cpu;
  readonly #registers: PortHandler;
  readonly #isFull: (slot: number) => boolean;
  #changed = 0;
  #wanted = 0;

  constructor(cpu: V86Cpu, registers: PortHandler, isFull: (slot: number) => boolean) {
    this.#cpu = cpu;
    this.#isFull = isFull;
    this.#registers = registers;
    // v86 has the event registers, but no device that sets them, and a write just replaces them.
    this.#onWrite(GPE_STATUS_PORT, (value) => this.#setEvent(0, this.#event(0) & ~value));
    this.#onWrite(GPE_ENABLE_PORT, (value) => this.#setEvent(2, value));
  }

  /** Our controller's interrupt. */
  interrupt(): void {
    this.#setEvent(0, this.#event(0) | HOT_PLUG_EVENT);
  }

  portRead(port: number, width: Width): number {
    const shift = 8 * (port & 3);
    return (this.#register(port & ~3) >>> shift) & (width === 4 ? -1 : (1 << (8 * width)) - 1);
  }

  portWrite(port: number, width: Width, value: number): void {
    if (port === HOT_PLUG.eject) this.#wanted &= ~value;
    this.#registers.portWrite(port, width, value);
  }

  #register(port: number): number {
    if (port === REMOVABLE) return this.#freeSlots();
    const changed = this.#registers.portRead(HOT_PLUG.changed, 4);
    this.#changed |= changed;
    // Who asked for what was there before does not ask for what is there now.
    this.#wanted = (this.#wanted & ~changed) | this.#registers.portRead(HOT_PLUG.wanted, 4);
    // Linux's ACPI does not look for what is gone: it must be asked for it.
    for (let slot = 0; slot < 32; slot++) {
      if (((changed >>> slot) & 1) !== 0 && !this.#isFull(slot)) this.#wanted |= 1 << slot;
    }
    if (port === HOT_PLUG.changed) return this.#changed;
    return port === HOT_PLUG.wanted ? this.#wanted : 0;
  }

  /** Slots that have none of the PC's own devices. */
  #freeSlots(): number {
    const { device_spaces } = this.#cpu.devices.pci;
    let free = 0;
    for (let slot = 0; slot < 32; slot++) if (device_spaces[slot << 3] === undefined) free |= 1 << slot;
    return free;
  }

  // Looked up at each use: a restored snapshot brings its own bytes.
  #event(byte: number): number {
    return this.#cpu.devices.acpi?.gpe[byte] ?? 0;
  }

  #setEvent(byte: number, value: number): void {
    const gpe = this.#cpu.devices.acpi?.gpe;
    if (gpe === undefined) return;
    gpe[byte] = value;
    if ((this.#event(0) & this.#event(2)) !== 0) this.#cpu.device_raise_irq(SCI);
    else this.#cpu.device_lower_irq(SCI);
  }

  #onWrite(port: number, write8: (value: number) => void): void {
    const entry = this.#cpu.io.ports[port];
    if (entry !== undefined) this.#cpu.io.ports[port] = { ...entry, write8 };
  }
}
