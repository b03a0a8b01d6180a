/** One host with one device and the fake driver, in one thread: calls for a bus, `poll` for time. */
import { DirectBus } from "../../src/bus/direct-bus.ts";
import { InterruptController } from "../../src/bus/interrupt-controller.ts";
import { KickSender } from "../../src/bus/kick.ts";
import type { DeviceModel, Platform } from "../../src/host/device.ts";
import { Host } from "../../src/host/host.ts";
import type { Violation } from "../../src/host/violation.ts";
import { allocateShared, attachMemory } from "../../src/memory/attach.ts";
import { Doorbell } from "../../src/memory/doorbell.ts";
import { planControl } from "../../src/memory/plan.ts";
import { Ram } from "../../src/memory/ram.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";
import { RING_FEATURES } from "../../src/wire/features.ts";
import { FakeDriver } from "./fake-driver.ts";

export const RAM_BYTES = 1 << 20;
/** Where tests put rings and buffers: pages of RAM, which begins at 1 MiB. */
export const RING_AT = 0x10_0000;
export const BUFFER_AT = 0x18_0000;

/** Bytes that a test can predict. */
export const platform: Platform = {
  now: () => 0,
  randomFill: (bytes) => bytes.fill(0xa5),
  after: () => () => {},
};

export interface RigOptions {
  readonly model?: DeviceModel;
  readonly virtioId?: number;
  readonly queueSize?: number;
  readonly msixVectors?: number;
  readonly transportFeatures?: number;
  readonly kickFastPath?: boolean;
  readonly slot?: number;
  /** RAM's memory, of RAM_BYTES. */
  readonly memory?: SharedMemory;
}

/** Returns every chain untouched. */
export const echoModel = (): DeviceModel => ({
  features: 0,
  queues: [{ name: "first" }, { name: "second" }, { name: "absent", size: 0 }],
  queueNotified: (queue) => queue.serve((chain) => queue.push(chain, 0)),
});

export function hostRig(options: RigOptions = {}) {
  const slot = options.slot ?? 4;
  const plan = planControl({ cpus: 1, functions: 4 });
  const control = attachMemory(allocateShared(plan.bytes));
  const ram = new Ram(options.memory ?? attachMemory(allocateShared(RAM_BYTES)));
  const violations: Violation[] = [];
  const logs: string[] = [];
  const kickFastPath = options.kickFastPath ?? false;
  const host = new Host({
    ram,
    control,
    plan,
    platform,
    kickFastPath,
    violated: (violation) => violations.push(violation),
    log: (message) => logs.push(message),
  });
  const fn = host.addDevice({
    slot,
    name: "fake",
    virtioId: options.virtioId ?? 2,
    model: options.model ?? echoModel(),
    queueSize: options.queueSize ?? 8,
    msixVectors: options.msixVectors ?? 4,
    transportFeatures: options.transportFeatures ?? RING_FEATURES,
  });
  const hostBell = new Doorbell(control, plan.hostDoorbell);
  const cpuBell = new Doorbell(control, plan.cpus[0]?.doorbell ?? 0);
  const kicks = new KickSender(control, plan, hostBell);
  const bus = new DirectBus(host.handler, kickFastPath ? kicks : undefined);
  const driver = new FakeDriver(ram, bus, slot);
  const cpu = new InterruptController(control, plan, 0, cpuBell);
  return {
    host,
    fn,
    ram,
    control,
    plan,
    bus,
    driver,
    cpu,
    hostBell,
    violations,
    logs,
    kinds: () => violations.map((violation) => violation.kind),
    pollAll: () => {
      while (host.poll());
    },
    /** Interrupts since the last call. */
    takeInterrupts: () => {
      const seen = { vectors: [] as number[], lines: [] as number[] };
      cpu.take(
        (vector) => seen.vectors.push(vector),
        (line) => seen.lines.push(line),
      );
      return seen;
    },
  };
}

export type Rig = ReturnType<typeof hostRig>;
