/**
 * One PCI function: type-0 header, BARs, and its capabilities [PCI 3.0, 6]. It answers configuration accesses and
 * says which addresses it decodes; what stands behind them is its owner's (`PciHooks`).
 */
import type { Width } from "../bus/port-bus.ts";
import { BAR_COUNT, BAR_IO, CAPABILITY, COMMAND, MSIX, PCI, PCI_STATUS, PM } from "../wire/pci.ts";
import { ConfigSpace } from "./config-space.ts";

/** A base address register: a power of two of ports (at least 4) or of memory bytes (at least 16). */
export interface Bar {
  readonly kind: "io" | "memory";
  readonly bytes: number;
}

export interface PciIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision: number;
  /** 24 bits: class, subclass, programming interface. */
  readonly classCode: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
}

/** What the function's owner puts behind it. Offsets are within the BAR, and the access lies wholly inside it. */
export interface PciHooks {
  ioRead(bar: number, offset: number, width: Width): number;
  ioWrite(bar: number, offset: number, width: Width, value: number): void;
  mmioRead(bar: number, offset: number, width: Width): number;
  mmioWrite(bar: number, offset: number, width: Width, value: number): void;
  /** A configuration write was served: look again at command bits, BARs, power and MSI-X control. */
  configChanged(): void;
  /** For Status bit 3: an INTx interrupt is pending inside the function. */
  interruptPending(): boolean;
}

export interface PciFunctionOptions {
  readonly identity: PciIdentity;
  readonly bars?: readonly Bar[];
  /** 0 for none, 1 for INTA#. */
  readonly interruptPin?: number;
  /** MSI-X table size; 0 leaves the capability out. Table and PBA lie in `MSIX_BAR`. */
  readonly msixVectors?: number;
  readonly powerManagement?: boolean;
  readonly hooks?: PciHooks;
}

/** The BAR that holds the MSI-X table, and where its pending bits begin. */
export const MSIX_BAR = 1;
export const MSIX_PBA_OFFSET = 0x800;

const PM_CAPABILITY = 0x40;
const MSIX_CAPABILITY = 0x50;
/** Version 3, no PME, neither D1 nor D2. */
const PM_CAPABILITIES = 0x0003;
/** Going D3hot -> D0 keeps the function's state [PCI PM 1.2, 3.2.4]. */
const PM_NO_SOFT_RESET = 1 << 3;

const CACHE_LINE_SIZE = 0x0c;
const LATENCY_TIMER = 0x0d;

export class PciFunction {
  readonly bars: readonly Bar[];
  readonly hooks: PciHooks | undefined;
  readonly #space = new ConfigSpace();
  readonly #msixVectors: number;
  readonly #powerManagement: boolean;

  constructor(options: PciFunctionOptions) {
    this.bars = options.bars ?? [];
    this.hooks = options.hooks;
    this.#msixVectors = options.msixVectors ?? 0;
    this.#powerManagement = options.powerManagement ?? false;
    if (this.bars.length > BAR_COUNT) throw new RangeError(`at most ${BAR_COUNT} BARs`);
    this.#writeHeader(options.identity, options.interruptPin ?? 0);
    this.bars.forEach((bar, index) => {
      this.#space.set(PCI.bar0 + 4 * index, 4, bar.kind === "io" ? BAR_IO : 0);
      this.#space.allow(PCI.bar0 + 4 * index, 4, ~(bar.bytes - 1));
    });
    this.#linkCapabilities();
  }

  get command(): number {
    return this.#space.read(PCI.command, 2);
  }
  get busMaster(): boolean {
    return (this.command & COMMAND.BUS_MASTER) !== 0;
  }
  get intxDisabled(): boolean {
    return (this.command & COMMAND.INTX_DISABLE) !== 0;
  }
  get powered(): boolean {
    if (!this.#powerManagement) return true;
    return (this.#space.read(PM_CAPABILITY + PM.control, 2) & PM.stateMask) === PM.D0;
  }
  /** Message control as the driver left it; 0 without MSI-X. */
  get msixControl(): number {
    return this.#msixVectors === 0 ? 0 : this.#space.read(MSIX_CAPABILITY + MSIX.control, 2);
  }

  /** Where BAR `index` decodes now, or undefined: decode is off, no address was assigned, or power is not D0. */
  decodedAt(index: number): number | undefined {
    const bar = this.bars[index];
    if (bar === undefined || !this.powered) return undefined;
    const enabled = (this.command & (bar.kind === "io" ? COMMAND.IO : COMMAND.MEMORY)) !== 0;
    const address = (this.#space.read(PCI.bar0 + 4 * index, 4) & ~(bar.bytes - 1)) >>> 0;
    // All ones, written to learn the size, is no address: it ends where the address space does.
    const limit = bar.kind === "io" ? 0x1_0000 : 0xffff_ffff;
    return enabled && address !== 0 && address + bar.bytes <= limit ? address : undefined;
  }

  configRead(offset: number, width: Width): number {
    if (offset <= PCI.status && offset + width > PCI.status) this.#refreshStatus();
    return this.#space.read(offset, width);
  }

  configWrite(offset: number, width: Width, value: number): void {
    const power = this.#space.read(PM_CAPABILITY + PM.control, 1);
    this.#space.write(offset, width, value);
    if (this.#powerManagement) this.#settlePower(power);
    this.hooks?.configChanged();
  }

  /** D1 and D2 are not there: the write completes and the state stays [PCI PM 1.2, 3.2.4]. */
  #settlePower(before: number): void {
    const state = this.#space.read(PM_CAPABILITY + PM.control, 1) & PM.stateMask;
    if (state !== PM.D0 && state !== PM.D3HOT) this.#space.set(PM_CAPABILITY + PM.control, 1, before);
  }

  #refreshStatus(): void {
    const hasCapabilities = this.#powerManagement || this.#msixVectors > 0;
    const pending = this.hooks?.interruptPending() ?? false;
    const bits = (hasCapabilities ? PCI_STATUS.CAPABILITIES : 0) | (pending ? PCI_STATUS.INTERRUPT : 0);
    this.#space.set(PCI.status, 2, bits);
  }

  #writeHeader(identity: PciIdentity, pin: number): void {
    const space = this.#space;
    space.set(PCI.vendorId, 2, identity.vendorId);
    space.set(PCI.deviceId, 2, identity.deviceId);
    space.set(PCI.revisionId, 1, identity.revision);
    space.set(PCI.classCode, 1, identity.classCode);
    space.set(PCI.classCode + 1, 2, identity.classCode >>> 8);
    space.set(PCI.subsystemVendorId, 2, identity.subsystemVendorId);
    space.set(PCI.subsystemId, 2, identity.subsystemId);
    space.set(PCI.interruptPin, 1, pin);
    space.allow(PCI.command, 2, COMMAND.IO | COMMAND.MEMORY | COMMAND.BUS_MASTER | COMMAND.INTX_DISABLE);
    space.allow(CACHE_LINE_SIZE, 1, 0xff);
    space.allow(LATENCY_TIMER, 1, 0xff);
    space.allow(PCI.interruptLine, 1, 0xff);
  }

  #linkCapabilities(): void {
    let pointer: number = PCI.capabilityPointer;
    const link = (at: number, id: number): void => {
      this.#space.set(pointer, 1, at);
      this.#space.set(at, 1, id);
      pointer = at + 1;
    };
    if (this.#powerManagement) {
      link(PM_CAPABILITY, CAPABILITY.POWER_MANAGEMENT);
      this.#space.set(PM_CAPABILITY + 2, 2, PM_CAPABILITIES);
      this.#space.set(PM_CAPABILITY + PM.control, 2, PM_NO_SOFT_RESET);
      this.#space.allow(PM_CAPABILITY + PM.control, 2, PM.stateMask);
    }
    if (this.#msixVectors > 0) {
      link(MSIX_CAPABILITY, CAPABILITY.MSIX);
      this.#space.set(MSIX_CAPABILITY + MSIX.control, 2, this.#msixVectors - 1);
      this.#space.allow(MSIX_CAPABILITY + MSIX.control, 2, MSIX.enable | MSIX.functionMask);
      this.#space.set(MSIX_CAPABILITY + MSIX.table, 4, MSIX_BAR);
      this.#space.set(MSIX_CAPABILITY + MSIX.pba, 4, MSIX_PBA_OFFSET | MSIX_BAR);
    }
  }
}
