/** PCI configuration access by mechanism 1: an address to 0xCF8, then the data at 0xCFC. */
import type { PortBus, Width } from "../../bus/port-bus.ts";
import { type Bdf, CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT, configAddress } from "../../wire/pci.ts";

export class ConfigSpace {
  readonly #bus: PortBus;

  constructor(bus: PortBus) {
    this.#bus = bus;
  }

  read(bdf: Bdf, offset: number, width: Width): number {
    this.#bus.out(CONFIG_ADDRESS_PORT, 4, configAddress(bdf, offset));
    return this.#bus.in(CONFIG_DATA_PORT + (offset & 3), width);
  }

  write(bdf: Bdf, offset: number, width: Width, value: number): void {
    this.#bus.out(CONFIG_ADDRESS_PORT, 4, configAddress(bdf, offset));
    this.#bus.out(CONFIG_DATA_PORT + (offset & 3), width, value);
  }
}
