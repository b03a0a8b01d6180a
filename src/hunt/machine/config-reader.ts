/**
 * Reading a value that is wider than one access. The legacy transport has no generation counter: read until two
 * readings in a row are the same.
 */
import type { LegacyRegisters } from "../../guest/virtio-pci/registers.ts";

/** Two accesses of one byte each are enough to mix two values. */
export const CONFIG_BYTES = 2;

export class ConfigReader {
  readonly #registers: LegacyRegisters;
  readonly #msixEnabled: boolean;

  constructor(registers: LegacyRegisters, msixEnabled: boolean) {
    this.#registers = registers;
    this.#msixEnabled = msixEnabled;
  }

  read(): string {
    for (let last = this.readOnce(); ; ) {
      const again = this.readOnce();
      if (again === last) return again;
      last = again;
    }
  }

  protected readOnce(): string {
    const bytes = new Uint8Array(CONFIG_BYTES);
    this.#registers.readConfig(0, bytes, this.#msixEnabled);
    return configText(bytes);
  }
}

export const configText = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The `version`th value: both halves change every time, and no mixture is a value of its own. */
export const configValue = (version: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.of(version + 1, version + 0x11);

/** What a driver keeps of configuration interrupts: that there was one, also while it was busy reading. */
export class ConfigWatch {
  pending = true;
  reading = false;

  changed(): void {
    this.pending = true;
  }
}
