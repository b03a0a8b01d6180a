/** Host and guest in one thread, joined by plain calls and stepped by the test. */
import { DirectBus } from "../../src/bus/direct-bus.ts";
import { InterruptController } from "../../src/bus/interrupt-controller.ts";
import type { PortHandler } from "../../src/bus/port-bus.ts";
import { type OtherCpus, QUEUES_IRQ } from "../../src/guest/cpus.ts";
import { Guest, type GuestOptions } from "../../src/guest/guest.ts";
import { memoryShare } from "../../src/guest/guest-memory.ts";
import { DeviceParts } from "../../src/guest/virtio-pci/device-parts.ts";
import type { DeviceModel, Platform } from "../../src/host/device.ts";
import { Host } from "../../src/host/host.ts";
import type { AddDeviceOptions, VirtioFunction } from "../../src/host/virtio-function.ts";
import { allocateShared, attachMemory } from "../../src/memory/attach.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";
import { planControl } from "../../src/memory/plan.ts";
import { Ram } from "../../src/memory/ram.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { FIRST_SYSTEM_VECTOR } from "../../src/wire/hot-plug.ts";
import { PCI } from "../../src/wire/pci.ts";
import { RecordingBus } from "./recording-bus.ts";

const RAM_BYTES = 4 * 1024 * 1024;
/** Turns of both sides before a test that waits for something has failed. */
const TURNS_MAX = 10_000;

export type DirectMachineOptions = Partial<
  Pick<GuestOptions, "interruptTiers" | "ringFeatures" | "hotPlug">
> & {
  readonly ramBytes?: number;
  readonly cpus?: number;
  /** The other CPUs run guests, too, which are given parts of devices. */
  readonly parts?: boolean;
  readonly platform?: Platform;
  /** Stands between the guest and the devices. */
  readonly intercept?: (handler: PortHandler, host: Host) => PortHandler;
};

/** Time stands still, and the same "random" byte all over. */
const FIXED: Platform = { now: () => 0, randomFill: (bytes) => bytes.fill(0xa5), after: () => () => {} };

export class DirectMachine {
  readonly host: Host;
  readonly guest: Guest;
  /** Of the other CPUs, in order; none without `parts`. */
  readonly otherGuests: readonly Guest[];
  readonly bus: RecordingBus;
  readonly doorbell: Doorbell;
  /** One per virtual CPU; the guest runs on the first. */
  readonly controllers: readonly InterruptController[];
  readonly log: string[] = [];
  readonly violations: string[] = [];
  readonly hostLog: string[] = [];

  constructor(options: DirectMachineOptions = {}) {
    const { ramBytes = RAM_BYTES, cpus = 1, platform = FIXED, intercept, parts, ...guestOptions } = options;
    const ram = new Ram(attachMemory(allocateShared(ramBytes)));
    const plan = planControl({ cpus, functions: 4 });
    const control = attachMemory(allocateShared(plan.bytes));
    const cpu = plan.cpus[0];
    if (cpu === undefined) throw new Error("no CPU planned");
    this.host = new Host({
      ram,
      control,
      plan,
      platform,
      log: (message) => this.hostLog.push(message),
      violated: ({ kind, detail }) => this.violations.push(`${kind}: ${detail}`),
    });
    this.doorbell = new Doorbell(control, cpu.doorbell);
    this.bus = new RecordingBus(
      new DirectBus(intercept?.(this.host.handler, this.host) ?? this.host.handler),
    );
    this.bus.msixEnabled = () => this.host.functions[0]?.interrupts.msixEnabled ?? false;
    this.controllers = plan.cpus.map(
      ({ doorbell }, index) => new InterruptController(control, plan, index, new Doorbell(control, doorbell)),
    );
    const [interrupts] = this.controllers;
    if (interrupts === undefined) throw new Error("no CPU planned");
    const log = (message: string) => this.log.push(message);
    const common = { ram, bus: this.bus, log, ...guestOptions };
    const share = (cpu: number) => (parts ? { memoryShare: memoryShare(ramBytes, cpu, cpus) } : {});
    this.otherGuests = (parts ? this.controllers.slice(1) : []).map(
      (controller, index) =>
        new Guest({
          ...common,
          interrupts: controller,
          cpu: index + 1,
          hotPlug: false,
          ...share(index + 1),
        }),
    );
    const others = parts ? { cpus: this.#takingParts() } : {};
    this.guest = new Guest({ ...common, interrupts, ...share(0), ...others });
  }

  /** In one thread a call is a call. */
  #takingParts(): OtherCpus {
    const { bus, otherGuests, controllers } = this;
    const wantReset = (name: string, reason: string): void => this.guest.virtio.broken(name, reason);
    const takers = otherGuests.map((guest) => new DeviceParts({ guest, bus, wantReset }));
    return {
      count: controllers.length,
      call: (cpu, request) => takers[cpu - 1]?.perform(request),
      lookAtQueues: (cpu) => controllers[cpu]?.post(FIRST_SYSTEM_VECTOR + QUEUES_IRQ),
    };
  }

  add(device: Partial<AddDeviceOptions> & { model: DeviceModel }): VirtioFunction {
    return this.host.addDevice({
      slot: 4,
      name: "test",
      virtioId: 4,
      queueSize: 8,
      msixVectors: 4,
      transportFeatures: RING_FEATURES,
      ...device,
    });
  }

  /** Turns of both sides until nothing happens any more. */
  settle(): void {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (!this.#turn()) return;
    }
    throw new Error(`still busy after ${TURNS_MAX} turns`);
  }

  /** Turns of both sides, and of the event loop, until the promise has settled. */
  async run<T>(result: Promise<T>): Promise<T> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    result.then(settle, settle);
    for (let turn = 0; !settled; turn++) {
      if (turn === TURNS_MAX) throw new Error(`no result after ${TURNS_MAX} turns`);
      this.#turn();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return result;
  }

  /** Of everybody; false: nobody had anything to do. */
  #turn(): boolean {
    const sides = [this.host, this.guest, ...this.otherGuests];
    return sides.map((side) => side.poll()).includes(true);
  }

  /** Everything that a failure must leave as it was. */
  footprint() {
    return {
      allocatedBytes: this.guest.memory.allocatedBytes,
      handlers: this.guest.irq.handlerCount,
      availableMsi: this.guest.irq.availableMsi,
      claims: this.guest.pci.resources.claims.length,
      functions: this.guest.pci.devices.map((device) => ({
        name: device.name,
        command: device.read16(PCI.command),
        bound: device.driverData !== undefined,
      })),
      devices: this.host.functions.map(({ interrupts, device }) => ({
        ...interrupts.describe(),
        queues: device.queueConfigs.map(({ index }) => device.queuePfn(index)),
      })),
    };
  }
}
