/**
 * The PCI core: finds the functions on bus 0, gives them addresses and irqs, and binds drivers to them. Its
 * operations mean what Linux's of the same names mean.
 */
import type { PortBus } from "../../bus/port-bus.ts";
import { COMMAND, formatBdf, PCI, PM } from "../../wire/pci.ts";
import type { IrqCore } from "../irq.ts";
import { type Log, ProbeError } from "../probe-error.ts";
import { ConfigSpace } from "./config-space.ts";
import { isStillThere, presentFunctions } from "./enumerate.ts";
import {
  disableMsix,
  enableMsix,
  type MsixResult,
  maskFunction,
  maskVector,
  setAffinity,
  silenceMsix,
} from "./msix.ts";
import { PciDevice } from "./pci-device.ts";
import { matches, type PciDriver } from "./pci-driver.ts";
import { type PowerState, restoreState, saveState, setPowerState } from "./power.ts";
import { Resources } from "./resources.ts";

export interface PciOptions {
  readonly bus: PortBus;
  readonly irq: IrqCore;
  readonly log: Log;
  /** Which irq a function's pin (1-4) is wired to. */
  readonly intxIrq?: (slot: number, pin: number) => number;
}

const swizzle = (slot: number, pin: number): number => 16 + ((slot - 1 + pin - 1) & 3);

export class Pci {
  readonly bus: PortBus;
  readonly resources = new Resources();
  readonly #irq: IrqCore;
  readonly #log: Log;
  readonly #config: ConfigSpace;
  readonly #intxIrq: (slot: number, pin: number) => number;
  readonly #devices = new Map<string, PciDevice>();
  readonly #drivers: PciDriver[] = [];

  constructor(options: PciOptions) {
    this.bus = options.bus;
    this.#irq = options.irq;
    this.#log = options.log;
    this.#config = new ConfigSpace(options.bus);
    this.#intxIrq = options.intxIrq ?? swizzle;
  }

  get devices(): readonly PciDevice[] {
    return [...this.#devices.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Meets the devices that are there, and parts from those that are not there any more (hot plug). */
  rescan(): void {
    for (const device of this.devices) if (!isStillThere(device)) this.remove(device);
    const fresh = presentFunctions(this.#config)
      .filter((bdf) => !this.#devices.has(formatBdf(bdf)))
      .map((bdf) => new PciDevice(this.#config, bdf, this.#intxIrq));
    // All addresses in use are known before the first new one is chosen.
    for (const device of fresh) this.resources.discover(device);
    for (const device of fresh) {
      silenceMsix(device);
      this.#add(device);
    }
    for (const device of fresh) this.attach(device);
  }

  /** Unbinds a device and forgets it; its addresses are free for the next. */
  remove(device: PciDevice): void {
    this.unbind(device);
    this.resources.unassign(device);
    this.#devices.delete(device.name);
  }

  registerDriver(driver: PciDriver): void {
    this.#drivers.push(driver);
    for (const device of this.devices) if (device.driver === undefined) this.bind(device, driver);
  }

  unregisterDriver(driver: PciDriver): void {
    const at = this.#drivers.indexOf(driver);
    if (at < 0) throw new Error(`unregistering the driver ${driver.name}, which was not registered`);
    for (const device of this.devices) if (device.driver === driver) this.unbind(device);
    this.#drivers.splice(at, 1);
  }

  /** Offers a device to a driver. False: no match, or the driver refused (with a log line unless "not mine"). */
  bind(device: PciDevice, driver: PciDriver): boolean {
    if (device.driver !== undefined || !matches(driver, device)) return false;
    try {
      driver.probe(device);
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      if (error.code !== "ENODEV")
        this.#log(`${driver.name} ${device.name}: ${error.message} (${error.code})`);
      return false;
    }
    device.driver = driver;
    return true;
  }

  /** Offers a device without a driver to all drivers in turn. */
  attach(device: PciDevice): boolean {
    return this.#drivers.some((driver) => this.bind(device, driver));
  }

  /** A device that sleeps is woken first: its driver has a reset to write. */
  unbind(device: PciDevice): void {
    this.resume(device);
    device.driver?.remove(device);
    device.driver = undefined;
  }

  /** Requests in flight stay with the device; it says that they are done when it is awake again. */
  suspend(device: PciDevice): void {
    if (device.savedState === undefined) device.driver?.suspend?.(device);
  }
  resume(device: PciDevice): void {
    if (device.savedState !== undefined) device.driver?.resume?.(device);
  }

  /** Switches on the decoding of the device's BARs. */
  enableDevice(device: PciDevice): void {
    if (device.enabledBits !== undefined) throw new ProbeError("EBUSY", `${device.name} is enabled already`);
    const without = device.bars.find(({ address }) => address === 0);
    if (without !== undefined)
      throw new ProbeError("EINVAL", `BAR${without.index} of ${device.name} has no address`);
    const wanted = device.bars.reduce(
      (bits, bar) => bits | (bar.kind === "io" ? COMMAND.IO : COMMAND.MEMORY),
      0,
    );
    device.enabledBits = wanted & ~device.read16(PCI.command);
    // Whoever had the device before may have left it asleep, or its line off.
    setPowerState(device, PM.D0, this.bus);
    device.updateCommand(wanted, COMMAND.INTX_DISABLE);
  }

  /** Bus mastering goes, and (Linux leaves it on) the decoding that `enableDevice` had to switch on. */
  disableDevice(device: PciDevice): void {
    device.updateCommand(0, COMMAND.BUS_MASTER | (device.enabledBits ?? 0));
    device.enabledBits = undefined;
  }

  setMaster(device: PciDevice): void {
    device.updateCommand(COMMAND.BUS_MASTER, 0);
  }

  requestRegions(device: PciDevice, owner: string): void {
    this.resources.claim(device, owner);
  }
  releaseRegions(device: PciDevice): void {
    this.resources.release(device);
  }

  enableMsix(device: PciDevice, count: number): MsixResult {
    return enableMsix(device, count, this.bus, this.#irq);
  }
  disableMsix(device: PciDevice): void {
    disableMsix(device, this.bus, this.#irq);
  }

  maskVector(device: PciDevice, vector: number, masked: boolean): void {
    maskVector(device, this.bus, vector, masked);
  }
  maskFunction(device: PciDevice, masked: boolean): void {
    maskFunction(device, masked);
  }
  setAffinity(device: PciDevice, vector: number, cpu: number): void {
    setAffinity(device, this.bus, vector, cpu);
  }

  saveState(device: PciDevice): void {
    saveState(device);
  }
  restoreState(device: PciDevice): boolean {
    return restoreState(device);
  }
  setPowerState(device: PciDevice, state: PowerState): void {
    setPowerState(device, state, this.bus);
  }

  /** `lspci`, as facts. Touches no register: a report about a host that hangs must not wait for it. */
  describe() {
    return this.devices.map((device) => ({
      bdf: device.name,
      vendor: device.vendor,
      device: device.device,
      subsystemVendor: device.subsystemVendor,
      subsystemDevice: device.subsystemDevice,
      revision: device.revision,
      classCode: device.classCode,
      irq: device.irq,
      pin: device.pin,
      bars: device.bars.map(({ index, kind, address, bytes }) => ({ index, kind, address, bytes })),
      msix: { enabled: device.msixMessages.length > 0, size: device.msixSize },
      driver: device.driver?.name ?? null,
    }));
  }

  /** Without addresses a function is of no use, and the others are. */
  #add(device: PciDevice): void {
    this.#devices.set(device.name, device);
    try {
      this.resources.assign(device);
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      this.#log(`${device.name}: ${error.message} (${error.code})`);
    }
  }
}

export type PciDescription = ReturnType<Pci["describe"]>[number];
