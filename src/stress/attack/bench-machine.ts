/**
 * Host and bus in one thread, over checked memory, for attacks: whoever attacks has the bus and RAM to itself, the
 * rest is the machine as it always is.
 */
import { DirectBus } from "../../bus/direct-bus.ts";
import { InterruptController } from "../../bus/interrupt-controller.ts";
import type { PortBus } from "../../bus/port-bus.ts";
import { drivers } from "../../drivers/index.ts";
import { Guest } from "../../guest/guest.ts";
import type { DeviceModel, Platform } from "../../host/device.ts";
import { Host } from "../../host/host.ts";
import { allocateShared } from "../../memory/attach.ts";
import { CheckedMemory } from "../../memory/checked-memory.ts";
import { Doorbell } from "../../memory/doorbell.ts";
import { planControl } from "../../memory/plan.ts";
import { Ram } from "../../memory/ram.ts";
import { RING_FEATURES } from "../../wire/features.ts";

const TURNS_MAX = 20_000;
export const ATTACK_SLOT = 4;

export interface BenchMachineOptions {
  readonly ramBytes: number;
  readonly platform: Platform;
}

export class BenchMachine {
  readonly ram: Ram;
  readonly host: Host;
  readonly bus: PortBus;
  readonly controller: InterruptController;
  /** Violations so far, by kind. */
  readonly violations = new Map<string, number>();

  constructor({ ramBytes, platform }: BenchMachineOptions) {
    this.ram = new Ram(new CheckedMemory(allocateShared(ramBytes)));
    const plan = planControl({ cpus: 1, functions: 2 });
    const control = new CheckedMemory(allocateShared(plan.bytes));
    const [cpu] = plan.cpus;
    if (cpu === undefined) throw new Error("no CPU planned");
    this.host = new Host({
      ram: this.ram,
      control,
      plan,
      platform,
      violated: ({ kind }) => this.violations.set(kind, (this.violations.get(kind) ?? 0) + 1),
    });
    this.bus = new DirectBus(this.host.handler);
    this.controller = new InterruptController(control, plan, 0, new Doorbell(control, cpu.doorbell));
  }

  addDevice(name: string, virtioId: number, model: DeviceModel, queueSize: number): void {
    this.host.addDevice({
      slot: ATTACK_SLOT,
      name,
      virtioId,
      model,
      queueSize,
      msixVectors: model.queues.length + 1,
      transportFeatures: RING_FEATURES,
    });
  }

  /** A well-behaved guest on the bus (or on one that lies), with every driver. */
  boot(bus: PortBus = this.bus, log: (message: string) => void = () => {}): Guest {
    const guest = new Guest({ ram: this.ram, bus, interrupts: this.controller, log });
    guest.boot(drivers);
    return guest;
  }

  /** Turns of the host until it has nothing to do. Throws if that does not happen. */
  settle(): void {
    for (let turn = 0; turn < TURNS_MAX; turn++) if (!this.host.poll()) return;
    throw new Error(`the host is still busy after ${TURNS_MAX} turns`);
  }

  /** Turns of both sides and of the event loop until the promise settles or `turns` have passed. */
  async run<T>(guest: Guest, result: Promise<T>, turns: number = TURNS_MAX): Promise<T | undefined> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    result.then(settle, settle);
    for (let turn = 0; turn < turns; turn++) {
      this.host.poll();
      guest.poll();
      // Microtasks first: most answers need no turn of the event loop.
      await undefined;
      if (!settled && turn % 8 === 7) await new Promise((resolve) => setImmediate(resolve));
      if (settled) return result;
    }
    return undefined;
  }
}
