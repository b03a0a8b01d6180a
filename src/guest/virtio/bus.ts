/** The virtio bus: devices that transports register, drivers matched to them by device id, and the status steps. */
import { FEATURE, hasFeature, RING_FEATURES } from "../../wire/features.ts";
import { STATUS } from "../../wire/status.ts";
import type { DevicePart } from "../cpus.ts";
import type { GuestMemory } from "../guest-memory.ts";
import { type Log, ProbeError } from "../probe-error.ts";
import type { TransportOwner, VirtioDevice, VirtioDriver, VirtioTransport } from "./types.ts";

/** What a device that is no longer there reads as. */
const STATUS_GONE = 0xff;

interface BusDevice extends VirtioDevice, TransportOwner {
  features: number;
  driver: VirtioDriver | undefined;
  driverData: unknown;
  /** A change that came before the driver was ready for it. */
  configPending: boolean;
}

export interface VirtioBusOptions {
  readonly memory: GuestMemory;
  readonly log: Log;
  /** Ring features that drivers accept; default: all that the ring implements. */
  readonly ringFeatures?: number;
  /** CPUs that devices with several queues are spread over. */
  readonly cpus?: number;
}

export class VirtioBus {
  readonly #memory: GuestMemory;
  readonly #log: Log;
  readonly #ringFeatures: number;
  readonly #devices: (BusDevice | undefined)[] = [];
  readonly #drivers: VirtioDriver[] = [];
  readonly #cpus: number;

  constructor(options: VirtioBusOptions) {
    this.#memory = options.memory;
    this.#cpus = options.cpus ?? 1;
    this.#log = options.log;
    this.#ringFeatures = (options.ringFeatures ?? RING_FEATURES) & RING_FEATURES;
  }

  get devices(): readonly VirtioDevice[] {
    return this.#present();
  }

  /** What a driver (or the one of that name) made of the `index`th device it is bound to: a `Disk`, an `Entropy`. */
  find<Data>(driver: VirtioDriver<Data> | string, index = 0): Data {
    const bound = this.findAll(driver);
    const data = bound[index];
    if (index < 0 || index >= bound.length) {
      const name = typeof driver === "string" ? driver : driver.name;
      throw new ProbeError("ENODEV", `no device ${index} for driver ${name} (it has ${bound.length})`);
    }
    return data as Data;
  }

  findAll<Data>(driver: VirtioDriver<Data> | string): Data[] {
    return this.#present()
      .filter((device) => device.driver === driver || device.driver?.name === driver)
      .map((device) => device.driverData as Data);
  }

  registerDriver<Data>(driver: VirtioDriver<Data>): void {
    this.#drivers.push(driver);
    for (const device of this.#present()) if (device.driver === undefined) this.#bind(device, driver);
  }

  unregisterDriver<Data>(driver: VirtioDriver<Data>): void {
    const at = this.#drivers.indexOf(driver);
    if (at < 0) throw new Error(`unregistering the driver ${driver.name}, which was not registered`);
    for (const device of this.#present()) if (device.driver === driver) this.#unbind(device);
    this.#drivers.splice(at, 1);
  }

  /** Resets the device, says that it was seen, and offers it to the drivers. */
  registerDevice(transport: VirtioTransport, id: VirtioDevice["id"]): VirtioDevice {
    const free = this.#devices.indexOf(undefined);
    const index = free < 0 ? this.#devices.length : free;
    const device = this.#create(`virtio${index}`, transport, id);
    transport.attach(device);
    transport.reset();
    addStatus(transport, STATUS.ACKNOWLEDGE);
    this.#devices[index] = device;
    this.#drivers.some((driver) => this.#bind(device, driver));
    return device;
  }

  unregisterDevice(device: VirtioDevice): void {
    const own = this.#present().find((known) => known === device);
    if (own === undefined) return;
    this.#unbind(own);
    this.#devices[this.#devices.indexOf(own)] = undefined;
  }

  /** Resets a device: its driver lets go of it, which cancels what is in flight, and takes it anew. */
  reset(device: VirtioDevice): void {
    const own = this.#present().find((known) => known === device);
    const driver = own?.driver;
    if (own === undefined || driver === undefined) return;
    this.#unbind(own);
    this.#bind(own, driver);
  }

  /** On another CPU than 0: binds the driver that CPU 0 has bound to the device's part. False: it does not take it. */
  attachPart(transport: VirtioTransport, part: DevicePart): boolean {
    const driver = this.#drivers.find((each) => each.deviceId === part.id.device);
    const device = this.#create(part.name, transport, part.id, part.queues.length);
    transport.attach(device);
    device.features = part.features;
    try {
      if (driver === undefined) throw new ProbeError("ENODEV", "there is no driver for it here");
      device.driverData = driver.probe(device);
    } catch (error) {
      transport.deleteQueues();
      this.#log(`${device.name}: part not taken: ${describeError(error)}`);
      return false;
    }
    device.driver = driver;
    this.#devices.push(device);
    return true;
  }

  /** CPU 0 takes it back: the driver's half has let go of it when this returns. */
  detachPart(name: string): void {
    const device = this.#named(name);
    if (device === undefined) return;
    device.driver?.remove(device, device.driverData);
    this.#devices.splice(this.#devices.indexOf(device), 1);
  }

  /** CPU 0's half of the driver has told the device of the queues. */
  partStarted(name: string): void {
    const device = this.#named(name);
    device?.driver?.partStarted?.(device.driverData);
  }

  /** CPU 0 was told that the device's configuration has changed. */
  partChanged(name: string): void {
    this.#named(name)?.configChanged();
  }

  /** Another CPU gave up its part of a device. */
  broken(name: string, reason: string): void {
    const device = this.#named(name);
    device?.driver?.broken?.(device.driverData, reason);
  }

  /** Touches no register. */
  describe() {
    return this.#present().map((device) => ({
      name: device.name,
      busName: device.transport.busName,
      id: device.id.device,
      driver: device.driver?.name ?? null,
      features: device.features,
      tier: device.transport.tier,
      outstanding: device.driver?.outstanding?.(device.driverData) ?? 0,
      awaitsInput: device.driver?.awaitsInput?.(device.driverData) ?? false,
      indirect: hasFeature(device.features, FEATURE.INDIRECT_DESC),
      eventIndex: hasFeature(device.features, FEATURE.EVENT_IDX),
      queues: device.transport.queues.map((queue) => ({
        ...queue.describe(),
        counters: { ...queue.counters },
      })),
    }));
  }

  #bind(device: BusDevice, driver: VirtioDriver): boolean {
    if (driver.deviceId !== device.id.device) return false;
    const { transport } = device;
    try {
      this.#startOver(device);
      addStatus(transport, STATUS.DRIVER);
      const known = driver.features | this.#ringFeatures;
      device.features = transport.finalizeFeatures((transport.getFeatures() & known) >>> 0);
      device.driverData = driver.probe(device);
    } catch (error) {
      addStatus(transport, STATUS.FAILED);
      this.#forget(device);
      this.#log(`${device.name}: ${driver.name} does not take it: ${describeError(error)}`);
      return false;
    }
    addStatus(transport, STATUS.DRIVER_OK);
    device.driver = driver;
    if (device.configPending) device.configChanged();
    this.#giveParts(device, driver);
    return true;
  }

  /** The groups of queues go to the CPUs in turn. */
  #giveParts(device: BusDevice, driver: VirtioDriver): void {
    const { transport, id } = device;
    if (this.#cpus === 1 || transport.give === undefined) return;
    const groups = driver.parts?.(device.driverData) ?? [];
    for (let cpu = 1; cpu < this.#cpus; cpu++) {
      const queues = groups.filter((_, index) => index % this.#cpus === cpu).flat();
      if (queues.length === 0) continue;
      transport.give(cpu, queues, id);
      driver.gaveAway?.(device.driverData, queues);
    }
  }

  #named(name: string): BusDevice | undefined {
    return this.#present().find((device) => device.name === name);
  }

  /** A driver failed on this device before: the next one finds it fresh. */
  #startOver({ transport }: BusDevice): void {
    if ((transport.getStatus() & STATUS.FAILED) === 0) return;
    transport.reset();
    addStatus(transport, STATUS.ACKNOWLEDGE);
  }

  #unbind(device: BusDevice): void {
    if (device.driver === undefined) return;
    device.driver.remove(device, device.driverData);
    const status = device.transport.getStatus();
    if (status === STATUS_GONE) this.#log(`${device.name}: ${device.driver.name} left a device that is gone`);
    else if (status !== 0)
      this.#log(`${device.name}: status 0x${status.toString(16)} after ${device.driver.name} left`);
    this.#forget(device);
    // Another driver may bind.
    addStatus(device.transport, STATUS.ACKNOWLEDGE);
  }

  #forget(device: BusDevice): void {
    device.driver = undefined;
    device.driverData = undefined;
    device.features = 0;
    device.configPending = false;
  }

  #create(name: string, transport: VirtioTransport, id: VirtioDevice["id"], partQueues?: number): BusDevice {
    const device: BusDevice = {
      name,
      id,
      transport,
      memory: this.#memory,
      partQueues,
      features: 0,
      driver: undefined,
      driverData: undefined,
      configPending: false,
      configChanged() {
        device.configPending = device.driver === undefined;
        if (device.driver !== undefined) device.driver.configChanged?.(device, device.driverData);
      },
    };
    return device;
  }

  #present(): BusDevice[] {
    return this.#devices.filter((device) => device !== undefined);
  }
}

/** Status bits only ever accumulate [2.1.1]. */
function addStatus(transport: VirtioTransport, bit: number): void {
  transport.setStatus(transport.getStatus() | bit);
}

const describeError = (error: unknown): string =>
  error instanceof ProbeError
    ? `${error.message} (${error.code})`
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
