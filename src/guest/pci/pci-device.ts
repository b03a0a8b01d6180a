/** One PCI function as the guest found it: identity, BARs, capabilities, and its configuration registers. */
import {
  type Bdf,
  CAPABILITY,
  COMMAND,
  CONFIG_SPACE_BYTES,
  formatBdf,
  MSIX,
  PCI,
  PCI_STATUS,
} from "../../wire/pci.ts";
import type { MsiMessage } from "../msi-vectors.ts";
import type { ConfigSpace } from "./config-space.ts";
import type { PciDriver } from "./pci-driver.ts";

export interface Bar {
  readonly index: number;
  readonly kind: "io" | "memory";
  readonly wide: boolean;
  readonly bytes: number;
  address: number;
}

export class PciDevice {
  readonly bdf: Bdf;
  readonly name: string;
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  readonly classCode: number;
  readonly subsystemVendor: number;
  readonly subsystemDevice: number;
  /** 1-4 for INTA-INTD, 0 for none. */
  readonly pin: number;
  /** Capability id to offset; the first of each id. */
  readonly capabilities: ReadonlyMap<number, number>;
  /** Entries of the MSI-X table, 0 without one. */
  readonly msixSize: number;
  bars: readonly Bar[] = [];
  /** What its pin is wired to; 0 without one. */
  readonly irq: number;
  driver: PciDriver | undefined;
  driverData: unknown;
  /** Command bits that `enableDevice` switched on, while the device is enabled. */
  enabledBits: number | undefined;
  /** What the MSI-X table was given, while MSI-X is on. */
  msixMessages: readonly MsiMessage[] = [];
  /**
   * Where the MSI-X table lies, while MSI-X is on. Looked up once: a function that has been pulled out tells no more,
   * and writes to where its table was go nowhere, as they should.
   */
  msixTable: number | undefined;
  /** MSI-X vectors that are masked one by one. */
  readonly maskedVectors = new Set<number>();
  /** And all of them at once. */
  functionMasked = false;
  /** Set from suspend to resume. */
  savedState: readonly number[] | undefined;
  readonly #config: ConfigSpace;

  /** `irqOf` says what a pin is wired to. */
  constructor(config: ConfigSpace, bdf: Bdf, irqOf: (slot: number, pin: number) => number) {
    this.#config = config;
    this.bdf = bdf;
    this.name = formatBdf(bdf);
    this.pin = this.read8(PCI.interruptPin);
    this.irq = this.pin === 0 ? 0 : irqOf(bdf.slot, this.pin);
    // Before all else: should another function come meanwhile, and half of what is learned be the old one's, then it will
    // not have this, and `isStillThere` tells.
    if (this.pin !== 0) this.write8(PCI.interruptLine, this.irq);
    this.vendor = this.read16(PCI.vendorId);
    this.device = this.read16(PCI.deviceId);
    this.revision = this.read8(PCI.revisionId);
    this.classCode = this.read32(PCI.revisionId) >>> 8;
    this.subsystemVendor = this.read16(PCI.subsystemVendorId);
    this.subsystemDevice = this.read16(PCI.subsystemId);
    this.capabilities = this.#findCapabilities();
    const msix = this.capabilities.get(CAPABILITY.MSIX);
    this.msixSize = msix === undefined ? 0 : (this.read16(msix + MSIX.control) & MSIX.sizeMask) + 1;
  }

  read8(offset: number): number {
    return this.#config.read(this.bdf, offset, 1);
  }
  read16(offset: number): number {
    return this.#config.read(this.bdf, offset, 2);
  }
  read32(offset: number): number {
    return this.#config.read(this.bdf, offset, 4);
  }
  write8(offset: number, value: number): void {
    this.#config.write(this.bdf, offset, 1, value);
  }
  write16(offset: number, value: number): void {
    this.#config.write(this.bdf, offset, 2, value);
  }
  write32(offset: number, value: number): void {
    this.#config.write(this.bdf, offset, 4, value);
  }

  bar(index: number): Bar | undefined {
    return this.bars.find((bar) => bar.index === index);
  }

  /** Sets and clears command bits; no access when nothing changes. */
  updateCommand(set: number, clear: number): void {
    const before = this.read16(PCI.command);
    const after = (before & ~clear) | set;
    if (after !== before) this.write16(PCI.command, after);
  }

  setIntx(enabled: boolean): void {
    if (enabled) this.updateCommand(0, COMMAND.INTX_DISABLE);
    else this.updateCommand(COMMAND.INTX_DISABLE, 0);
  }

  #findCapabilities(): Map<number, number> {
    const found = new Map<number, number>();
    if ((this.read16(PCI.status) & PCI_STATUS.CAPABILITIES) === 0) return found;
    let offset = this.read8(PCI.capabilityPointer) & 0xfc;
    // The list comes from the device: it cannot be longer than the space it lies in.
    for (let steps = CONFIG_SPACE_BYTES / 4; offset >= 0x40 && steps > 0; steps--) {
      const id = this.read8(offset);
      if (!found.has(id)) found.set(id, offset);
      offset = this.read8(offset + 1) & 0xfc;
    }
    return found;
  }
}
