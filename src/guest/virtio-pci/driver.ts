/** The PCI driver "virtio-pci": takes legacy virtio functions and registers each as a device on the virtio bus. */
import type { QueueCounters } from "../../observe/record/counters.ts";
import { PM, VIRTIO_PCI, VIRTIO_VENDOR } from "../../wire/pci.ts";
import type { OtherCpus } from "../cpus.ts";
import type { GuestMemory } from "../guest-memory.ts";
import type { IrqCore } from "../irq.ts";
import type { Pci } from "../pci/pci.ts";
import type { PciDevice } from "../pci/pci-device.ts";
import type { PciDriver } from "../pci/pci-driver.ts";
import { type Log, ProbeError } from "../probe-error.ts";
import type { VirtioBus } from "../virtio/bus.ts";
import type { InterruptChoice, VirtioDevice } from "../virtio/types.ts";
import { LegacyRegisters } from "./registers.ts";
import { VirtioPciTransport } from "./transport.ts";

const NAME = "virtio-pci";

export interface VirtioPciOptions {
  readonly pci: Pci;
  readonly irq: IrqCore;
  readonly virtio: VirtioBus;
  readonly memory: GuestMemory;
  readonly log: Log;
  /** Adds up what queues have counted that are deleted. */
  readonly retired: QueueCounters;
  readonly tiers: InterruptChoice;
  readonly cpus?: OtherCpus | undefined;
}

export class VirtioPci implements PciDriver {
  readonly name = NAME;
  readonly idTable = [{ vendor: VIRTIO_VENDOR }];
  readonly #options: VirtioPciOptions;
  readonly #bound = new Map<PciDevice, { virtio: VirtioDevice; transport: VirtioPciTransport }>();

  constructor(options: VirtioPciOptions) {
    this.#options = options;
  }

  /** Module init. The root device that Linux hangs these under has no use here. */
  init(): void {
    this.#options.pci.registerDriver(this);
  }

  /** Module exit. */
  exit(): void {
    this.#options.pci.unregisterDriver(this);
  }

  probe(device: PciDevice): void {
    if (device.device < VIRTIO_PCI.firstDevice || device.device > VIRTIO_PCI.lastDevice) {
      throw new ProbeError("ENODEV", `device id 0x${device.device.toString(16)} is not legacy virtio`);
    }
    if (device.revision !== VIRTIO_PCI.abiVersion) {
      const message = `expected ABI version ${VIRTIO_PCI.abiVersion}, got ${device.revision}`;
      this.#options.log(`virtio_pci: ${message}`);
      throw new ProbeError("ENODEV", message);
    }
    this.#bringUp(device);
  }

  remove(device: PciDevice): void {
    const bound = this.#bound.get(device);
    if (bound !== undefined) this.#options.virtio.unregisterDevice(bound.virtio);
    this.#release(device);
  }

  suspend(device: PciDevice): void {
    this.#options.pci.saveState(device);
    this.#options.pci.setPowerState(device, PM.D3HOT);
  }

  resume(device: PciDevice): void {
    // What was swapped meanwhile the next look at the bus finds out.
    if (!this.#options.pci.restoreState(device)) return;
    this.#options.pci.setPowerState(device, PM.D0);
    this.#bound.get(device)?.transport.resumed();
  }

  /** Each step that is done adds how to undo it; a failure undoes them in reverse. */
  #bringUp(device: PciDevice): void {
    const { pci, virtio } = this.#options;
    const undo: (() => void)[] = [];
    try {
      pci.enableDevice(device);
      undo.push(() => pci.disableDevice(device));
      pci.requestRegions(device, NAME);
      undo.push(() => pci.releaseRegions(device));
      const registers = mapRegisters(pci, device);
      const transport = new VirtioPciTransport({ ...this.#options, device, registers });
      device.driverData = transport;
      undo.push(() => {
        device.driverData = undefined;
      });
      pci.setMaster(device);
      // The subsystem ids tell what the device is: the PCI device id only that it is virtio.
      const id = { vendor: device.subsystemVendor, device: device.subsystemDevice };
      this.#bound.set(device, { virtio: virtio.registerDevice(transport, id), transport });
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
  }

  #release(device: PciDevice): void {
    const { pci } = this.#options;
    this.#bound.delete(device);
    device.driverData = undefined;
    pci.releaseRegions(device);
    pci.disableDevice(device);
  }
}

/** BAR0, in I/O space. */
function mapRegisters(pci: Pci, device: PciDevice): LegacyRegisters {
  const bar = device.bar(0);
  if (bar?.kind !== "io") throw new ProbeError("ENOMEM", `${device.name} has no I/O BAR0`);
  return new LegacyRegisters(pci.bus, bar.address);
}
