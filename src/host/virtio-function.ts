/**
 * A virtio device as a legacy (transitional id, revision 0) PCI function: configuration space, the register block in
 * I/O BAR0, the MSI-X table in memory BAR1, and the rules that tie them together: decode, bus mastering and power.
 */
import { clearCard, writeCard } from "../bus/function-card.ts";
import type { InterruptController } from "../bus/interrupt-controller.ts";
import { IntxPin } from "../bus/intx.ts";
import type { KickReceiver, KickTarget } from "../bus/kick.ts";
import { Msix } from "../bus/msix.ts";
import type { Width } from "../bus/port-bus.ts";
import { type ControlPlan, INTX_LINES } from "../memory/plan.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { LEGACY } from "../wire/legacy-registers.ts";
import { VIRTIO_PCI, VIRTIO_VENDOR } from "../wire/pci.ts";
import { virtioType } from "../wire/virtio-ids.ts";
import type { DeviceModel } from "./device.ts";
import { FunctionInterrupts } from "./function-interrupts.ts";
import { IoQueues, type IoThreads } from "./io-queues.ts";
import { LegacyBlock, legacyBarBytes } from "./legacy-block.ts";
import { PciFunction, type PciHooks } from "./pci-function.ts";
import { type HostServices, VirtioDevice } from "./virtio-device.ts";

/** What one function is made of, as `Host.addDevice` takes it. */
export interface AddDeviceOptions {
  /** PCI slot 1-31. */
  readonly slot: number;
  /** Short name, e.g. "blk"; diagnostics say "00:04.0 blk". */
  readonly name: string;
  readonly virtioId: number;
  readonly model: DeviceModel;
  /** For queues whose model names no size. */
  readonly queueSize: number;
  /** MSI-X table size, 0-64; 0 leaves MSI-X out. */
  readonly msixVectors: number;
  /** Of INDIRECT_DESC and EVENT_IDX, those to offer. */
  readonly transportFeatures: number;
  /** PCI revision: the legacy ABI version. Others than 0 are for testing a driver's refusal. */
  readonly revision?: number;
  /** PCI device id; the type's transitional id otherwise. */
  readonly deviceId?: number;
  /** The number of its parts on I/O threads, which have been made: they serve the queues that `model.parts` names. */
  readonly part?: number | undefined;
}

/** How queues get to I/O threads. */
export interface IoSite {
  readonly threads: IoThreads;
  readonly kicks: KickReceiver;
  readonly targets: readonly KickTarget[];
}

/** The function's surroundings. */
export interface FunctionSite {
  readonly control: SharedMemory;
  readonly plan: ControlPlan;
  /** Index into `plan.functions`. */
  readonly index: number;
  readonly controllers: readonly InterruptController[];
  /** Undefined: no kick fast path. */
  readonly kicks: KickReceiver | undefined;
  readonly io: IoSite | undefined;
  readonly services: HostServices;
  /** "00:04.0 blk". */
  readonly fullName: string;
}

const MSIX_BAR_BYTES = 4096;

export class VirtioFunction implements PciHooks {
  readonly slot: number;
  readonly index: number;
  readonly name: string;
  readonly model: DeviceModel;
  readonly part: number | undefined;
  readonly pci: PciFunction;
  readonly device: VirtioDevice;
  readonly interrupts: FunctionInterrupts;
  readonly #block: LegacyBlock;
  readonly #kicks: KickReceiver | undefined;
  readonly #elsewhere: IoQueues | undefined;
  /** Writes the card anew, or takes it away. */
  readonly #showCard: (present: boolean) => void;

  constructor(options: AddDeviceOptions, site: FunctionSite) {
    this.slot = options.slot;
    this.index = site.index;
    this.name = site.fullName;
    this.model = options.model;
    this.part = options.part;
    this.#kicks = site.kicks;
    this.interrupts = makeInterrupts(options, site);
    this.#elsewhere = this.#makeIoQueues(options, site);
    this.interrupts.onChange = () => this.#elsewhere?.changed();
    this.device = new VirtioDevice({
      name: site.fullName,
      model: options.model,
      queueSize: options.queueSize,
      transportFeatures: options.transportFeatures,
      services: site.services,
      interrupts: this.interrupts,
      ioQueues: this.#elsewhere,
    });
    this.#block = new LegacyBlock(this.device, this.interrupts);
    this.#showCard = cardWriter(this.device, options, site);
    this.#showCard(true);
    this.pci = makePciFunction(options, this.device.config.length, this);
    this.configChanged();
  }

  /** Whether `run` would serve a queue: a kick is remembered and the device may touch RAM. */
  get runnable(): boolean {
    return this.device.hasKicks && this.#mayMaster;
  }

  /** Serves the kicked queues; with bus mastering off the kicks are kept. */
  run(): void {
    if (this.#mayMaster) this.device.runKicked();
  }

  /** Pulled out: queues are dead, the line is down, the notify port is nobody's. */
  unplug(): void {
    this.#kicks?.publish(this.index, 0, 0);
    this.#showCard(false);
    this.#block.reset();
    this.#elsewhere?.unplug();
    this.interrupts.unplug();
  }

  ioRead(_bar: number, offset: number, width: Width): number {
    return this.#block.read(offset, width);
  }
  ioWrite(_bar: number, offset: number, width: Width, value: number): void {
    this.#block.write(offset, width, value);
    // Set-up, not traffic: kicks change nothing that the card says.
    if (offset < LEGACY.isr.offset && offset !== LEGACY.queueNotify.offset) this.#showCard(true);
  }
  mmioRead(_bar: number, offset: number, width: Width): number {
    return this.interrupts.readBar(offset, width);
  }
  mmioWrite(_bar: number, offset: number, width: Width, value: number): void {
    this.interrupts.writeBar(offset, width, value);
  }

  configChanged(): void {
    const { msixControl, intxDisabled, powered } = this.pci;
    this.interrupts.setMode({ msixControl, intxDisabled, powered });
    if (this.#mayMaster !== this.device.busMaster) this.device.setBusMaster(this.#mayMaster);
    const base = this.pci.decodedAt(0);
    const port = base === undefined ? 0 : base + LEGACY.queueNotify.offset;
    this.#kicks?.publish(this.index, port, this.device.queueConfigs.length);
  }

  interruptPending(): boolean {
    return this.interrupts.pending;
  }

  describe() {
    return {
      name: this.name,
      ioBase: this.pci.decodedAt(0) ?? null,
      memoryBase: this.pci.decodedAt(1) ?? null,
      busMaster: this.pci.busMaster,
      powered: this.pci.powered,
      intxDisabled: this.pci.intxDisabled,
      registers: this.#block.describe(),
      ...this.interrupts.describe(),
      ...this.device.describe(),
    };
  }

  get #mayMaster(): boolean {
    return this.pci.busMaster && this.pci.powered;
  }

  #makeIoQueues({ part, model }: AddDeviceOptions, { io, index }: FunctionSite): IoQueues | undefined {
    if (io === undefined || part === undefined || model.parts === undefined) return undefined;
    const state = () => ({
      features: this.device.features,
      config: Uint8Array.from(this.device.config),
      epoch: this.device.epoch,
      running: this.#mayMaster,
      interrupts: this.interrupts.state(),
    });
    return new IoQueues({ ...io, part, functionIndex: index, queues: model.parts.queues, state });
  }
}

/** Slots share the four lines in turn; every function uses pin A. */
export const intxLine = (slot: number): number => (slot - 1) & (INTX_LINES - 1);

function cardWriter(device: VirtioDevice, { slot, virtioId }: AddDeviceOptions, site: FunctionSite) {
  const { control, plan, index } = site;
  const at = plan.functions[index]?.card ?? 0;
  return (present: boolean): void => {
    if (!present) clearCard(control, at);
    else {
      const queues = device.queueConfigs.map(({ index: queue, size }) => ({
        index: queue,
        pfn: device.queuePfn(queue),
        size,
      }));
      writeCard(control, at, { slot, virtioId, status: device.status, features: device.features, queues });
    }
  };
}

function makeInterrupts(options: AddDeviceOptions, site: FunctionSite): FunctionInterrupts {
  const { control, plan, index, controllers } = site;
  const shared = plan.functions[index];
  const [first] = controllers;
  if (shared === undefined || first === undefined)
    throw new RangeError(`no function ${index} in the memory plan`);
  const pin = new IntxPin(control, plan, index, intxLine(options.slot), first);
  const msix = new Msix(control, shared, options.msixVectors, controllers);
  return new FunctionInterrupts(pin, msix, options.model.queues.length);
}

function makePciFunction(options: AddDeviceOptions, configBytes: number, hooks: PciHooks): PciFunction {
  const type = virtioType(options.virtioId);
  const hasMsix = options.msixVectors > 0;
  return new PciFunction({
    identity: {
      vendorId: VIRTIO_VENDOR,
      deviceId: options.deviceId ?? type.pciDevice,
      revision: options.revision ?? VIRTIO_PCI.abiVersion,
      classCode: type.classCode,
      subsystemVendorId: VIRTIO_VENDOR,
      // Legacy drivers take the device type from here.
      subsystemId: options.virtioId,
    },
    bars: [
      { kind: "io", bytes: legacyBarBytes(configBytes) },
      ...(hasMsix ? [{ kind: "memory", bytes: MSIX_BAR_BYTES } as const] : []),
    ],
    interruptPin: 1,
    msixVectors: options.msixVectors,
    powerManagement: true,
    hooks,
  });
}
