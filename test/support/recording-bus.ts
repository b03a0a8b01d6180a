/** A bus that writes down every access, in the words of whoever owns the address, and may alter answers. */
import type { PortBus, Width } from "../../src/bus/port-bus.ts";
import { legacyRegisterName } from "../../src/wire/legacy-registers.ts";
import { CONFIG_ADDRESS_PORT, CONFIG_DATA_PORT } from "../../src/wire/pci.ts";

const FIRST_IO = 0xc000;
const hex = (value: number): string => `0x${value.toString(16)}`;

export class RecordingBus implements PortBus {
  /** e.g. "write queue select 0", "read queue size = 0x8". */
  readonly log: string[] = [];
  /** Whether device configuration starts at 24 now. */
  msixEnabled: () => boolean = () => false;
  /** BAR0 has this length, or repeats after it. */
  blockBytes = 64;
  /** Changes the answer to a read of a register, by name. */
  alter: (register: string, value: number) => number = (_register, value) => value;
  /** A register whose writes do not reach the device. */
  dropped: string | undefined;
  readonly #bus: PortBus;

  constructor(bus: PortBus) {
    this.#bus = bus;
  }

  /** What `action` does at the registers of BAR0, configuration cycles and the MSI-X table left out. */
  registersDuring(action: () => void): string[] {
    return this.during(action).filter((line) => !line.startsWith("config ") && !line.startsWith("mmio "));
  }

  during(action: () => void): string[] {
    const from = this.log.length;
    action();
    return this.log.slice(from);
  }

  in(port: number, width: Width): number {
    const name = this.#name(port);
    const value = this.alter(name, this.#bus.in(port, width));
    this.log.push(isConfig(port) ? `config read ${port & 3}/${width}` : `read ${name} = ${hex(value)}`);
    return value;
  }

  out(port: number, width: Width, value: number): void {
    this.log.push(
      isConfig(port) ? `config write ${hex(port)} ${hex(value)}` : `write ${this.#name(port)} ${hex(value)}`,
    );
    if (this.dropped === undefined || this.#name(port) !== this.dropped) this.#bus.out(port, width, value);
  }

  mmioRead(address: number, width: Width): number {
    const value = this.#bus.mmioRead(address, width);
    this.log.push(`mmio read ${hex(address)}`);
    return value;
  }

  mmioWrite(address: number, width: Width, value: number): void {
    this.log.push(`mmio write ${hex(address)} ${hex(value)}`);
    this.#bus.mmioWrite(address, width, value);
  }

  #name(port: number): string {
    return isConfig(port)
      ? "config"
      : legacyRegisterName((port - FIRST_IO) % this.blockBytes, this.msixEnabled());
  }
}

const isConfig = (port: number): boolean => port >= CONFIG_ADDRESS_PORT && port < CONFIG_DATA_PORT + 4;
