/** The legacy register block behind BAR0: each register by name, and device configuration byte by byte. */
import type { PortBus } from "../../bus/port-bus.ts";
import { LEGACY, type LegacyRegister, legacyConfigOffset } from "../../wire/legacy-registers.ts";

export class LegacyRegisters {
  /** The port where they begin. */
  readonly base: number;
  readonly #bus: PortBus;

  constructor(bus: PortBus, base: number) {
    this.#bus = bus;
    this.base = base;
  }

  read(name: LegacyRegister): number {
    const { offset, bytes } = LEGACY[name];
    return this.#bus.in(this.base + offset, bytes);
  }

  write(name: LegacyRegister, value: number): void {
    const { offset, bytes } = LEGACY[name];
    this.#bus.out(this.base + offset, bytes, value);
  }

  /** Configuration starts behind the vector registers while MSI-X is on. */
  readConfig(offset: number, target: Uint8Array, msixEnabled: boolean): void {
    const port = this.base + legacyConfigOffset(msixEnabled) + offset;
    for (let index = 0; index < target.length; index++) target[index] = this.#bus.in(port + index, 1);
  }

  writeConfig(offset: number, source: Uint8Array, msixEnabled: boolean): void {
    const port = this.base + legacyConfigOffset(msixEnabled) + offset;
    source.forEach((byte, index) => {
      this.#bus.out(port + index, 1, byte);
    });
  }
}
