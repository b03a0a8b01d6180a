/**
 * The legacy register block in I/O BAR0 [virtio 1.4, 4.1.4.10]: registers of fixed offset and width, then the
 * device's configuration, which any width may access and which moves when MSI-X is switched.
 */
import { allOnes, type Width } from "../bus/port-bus.ts";
import {
  LEGACY,
  LEGACY_HEADER_BYTES,
  LEGACY_HEADER_BYTES_MSIX,
  type LegacyRegister,
  legacyConfigOffset,
  NO_VECTOR,
} from "../wire/legacy-registers.ts";
import type { FunctionInterrupts } from "./function-interrupts.ts";
import type { VirtioDevice } from "./virtio-device.ts";

const NAMES = Object.keys(LEGACY) as LegacyRegister[];
/** The register that each byte of the block belongs to. */
const REGISTER_AT = Array.from({ length: LEGACY_HEADER_BYTES_MSIX }, (_, at) =>
  NAMES.find((name) => at >= LEGACY[name].offset && at < LEGACY[name].offset + LEGACY[name].bytes),
).map((name) => name && { key: name, ...LEGACY[name] });

/** Bytes of I/O BAR0: the block and the configuration behind it, at its higher place. */
export function legacyBarBytes(configBytes: number): number {
  return Math.max(64, 2 ** Math.ceil(Math.log2(LEGACY_HEADER_BYTES_MSIX + configBytes)));
}

export class LegacyBlock {
  readonly #device: VirtioDevice;
  readonly #interrupts: FunctionInterrupts;
  #queueSelect = 0;

  constructor(device: VirtioDevice, interrupts: FunctionInterrupts) {
    this.#device = device;
    this.#interrupts = interrupts;
  }

  get queueSelect(): number {
    return this.#queueSelect;
  }

  read(offset: number, width: Width): number {
    const config = this.#configOffset();
    if (offset >= config) return this.#readConfig(offset - config, width);
    const name = this.#registerAt(offset, width);
    return name === undefined ? allOnes(width) : this.#readRegister(name);
  }

  write(offset: number, width: Width, value: number): void {
    const config = this.#configOffset();
    if (offset >= config) {
      const bytes = Uint8Array.from({ length: width }, (_, i) => value >>> (8 * i));
      this.#device.writeConfig(offset - config, bytes);
      return;
    }
    const name = this.#registerAt(offset, width);
    if (name !== undefined) this.#writeRegister(name, value);
  }

  /** Device reset: everything that the block and the device behind it hold goes back to its initial value. */
  reset(): void {
    this.#queueSelect = 0;
    this.#device.reset();
    this.#interrupts.reset();
  }

  #configOffset(): number {
    return legacyConfigOffset(this.#interrupts.msixEnabled);
  }

  #registerAt(offset: number, width: Width): LegacyRegister | undefined {
    const register = REGISTER_AT[offset];
    if (register === undefined) return undefined;
    if (offset === register.offset && width === register.bytes) return register.key;
    this.#device.report(
      "register-width",
      `${width}-byte access at offset ${offset}: ${register.name} has ${register.bytes} bytes at ${register.offset}`,
    );
    return undefined;
  }

  #readRegister(name: LegacyRegister): number {
    const device = this.#device;
    switch (name) {
      case "hostFeatures":
        return device.offeredFeatures;
      case "guestFeatures":
        return device.features;
      case "queuePfn":
        return device.queuePfn(this.#queueSelect);
      case "queueSize":
        return device.queueConfigs[this.#queueSelect]?.size ?? 0;
      case "queueSelect":
        return this.#queueSelect;
      case "queueNotify":
        return 0;
      case "status":
        return device.status;
      case "isr":
        return this.#interrupts.readIsr();
      case "configVector":
        return this.#interrupts.configVector;
      case "queueVector":
        return this.#interrupts.queueVector(this.#queueSelect);
    }
  }

  #writeRegister(name: LegacyRegister, value: number): void {
    const device = this.#device;
    switch (name) {
      case "hostFeatures":
      case "queueSize":
      case "isr":
        device.report("register-read-only", `wrote 0x${value.toString(16)} to ${LEGACY[name].name}`);
        return;
      case "guestFeatures":
        device.acceptFeatures(value);
        return;
      case "queuePfn":
        device.setQueuePfn(this.#queueSelect, value);
        return;
      case "queueSelect":
        this.#queueSelect = value;
        return;
      case "queueNotify":
        device.kick(value);
        return;
      case "status":
        if (value === 0) this.reset();
        else device.setStatus(value);
        return;
      case "configVector":
        this.#checkVector(name, value, this.#interrupts.setConfigVector(value));
        return;
      case "queueVector":
        this.#checkVector(name, value, this.#interrupts.setQueueVector(this.#queueSelect, value));
    }
  }

  #checkVector(name: LegacyRegister, vector: number, accepted: boolean): void {
    if (accepted || vector === NO_VECTOR) return;
    this.#device.report("vector-range", `${LEGACY[name].name} ${vector} is beyond the MSI-X table`);
  }

  #readConfig(offset: number, width: Width): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = ((value << 8) | this.#device.readConfig(offset + i)) >>> 0;
    return value;
  }

  describe() {
    return { queueSelect: this.#queueSelect, configAt: this.#configOffset(), header: LEGACY_HEADER_BYTES };
  }
}
