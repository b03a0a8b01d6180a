/**
 * General-purpose event 1 of the PC's ACPI, PCI hot plug: the guest's ACPI code then asks our hot-plug registers which
 * slots to look at. v86 has the event registers but no device that sets them, and none that clears them.
 */
import type { V86Cpu } from "./v86.ts";

/** Status and enable bytes of events 0-7. */
const GPE_STATUS_PORT = 0xafe0;
const GPE_ENABLE_PORT = 0xafe2;
const HOT_PLUG_EVENT = 1 << 1;
/** ACPI's interrupt. */
const SCI = 9;

export class AcpiEvents {
  readonly #cpu: V86Cpu;

  constructor(cpu: V86Cpu) {
    this.#cpu = cpu;
    // Writing a one clears an event.
    this.#onWrite(GPE_STATUS_PORT, (value) => this.#set(0, this.#get(0) & ~value));
    this.#onWrite(GPE_ENABLE_PORT, (value) => this.#set(2, value));
  }

  hotPlug(): void {
    this.#set(0, this.#get(0) | HOT_PLUG_EVENT);
  }

  // Looked up at each use: a restored snapshot brings its own bytes.
  #get(byte: number): number {
    return this.#cpu.devices.acpi?.gpe[byte] ?? 0;
  }

  #set(byte: number, value: number): void {
    const gpe = this.#cpu.devices.acpi?.gpe;
    if (gpe === undefined) return;
    gpe[byte] = value;
    if ((this.#get(0) & this.#get(2)) !== 0) this.#cpu.device_raise_irq(SCI);
    else this.#cpu.device_lower_irq(SCI);
  }

  #onWrite(port: number, write8: (value: number) => void): void {
    const entry = this.#cpu.io.ports[port];
    if (entry !== undefined) this.#cpu.io.ports[port] = { ...entry, write8 };
  }
}
