/** One host with one device and the fake driver, in one thread: calls for a bus, `poll` for time. */
import { DirectBus } from "../../src/bus/direct-bus.ts";
import { InterruptController } from "../../src/bus/interrupt-controller.ts";
import { KickSender } from "../../src/bus/kick.ts";
import type { DeviceModel, DevicePart, Platform } from "../../src/host/device.ts";
import { Host } from "../../src/host/host.ts";
import type { IoRequest } from "../../src/host/io-queues.ts";
import { IoThread } from "../../src/host/io-thread.ts";
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
  /** Serves the queues that the model's `parts` names, on an I/O thread that the test steps (`rig.io`). */
  readonly part?: DevicePart;
}

/** Returns every chain untouched. */
export const echoModel = (): DeviceModel => ({
  features: 0,
  queues: [{ name: "first" }, { name: "second" }, { name: "absent", size: 0 }],
  queueNotified: (queue) => queue.serve((chain) => queue.push(chain, 0)),
});

export function hostRig(options: RigOptions = {}) {
  const slot = options.slot ?? 4;
  const plan = planControl({ cpus: 1, functions: 4, ioThreads: options.part === undefined ? 0 : 1 });
  const control = attachMemory(allocateShared(plan.bytes));
  const ram = new Ram(options.memory ?? attachMemory(allocateShared(RAM_BYTES)));
  const violations: Violation[] = [];
  const logs: string[] = [];
  const kickFastPath = options.kickFastPath ?? false;
  const calls: IoRequest[] = [];
  const nobody = (): never => {
    throw new Error("called for nothing");
  };
  const io =
    options.part &&
    new IoThread({
      ram,
      control,
      plan,
      thread: 1,
      nextRequest: nobody,
      violated: (violation) => violations.push(violation),
      log: (message) => logs.push(message),
    });
  const host = new Host({
    ram,
    control,
    plan,
    platform,
    kickFastPath,
    violated: (violation) => violations.push(violation),
    log: (message) => logs.push(message),
    ioThreads: io && {
      count: 1,
      call(_thread, request) {
        calls.push(request);
        void io.perform(structuredClone(request));
      },
      removePart: (part) => io.removePart(part),
    },
  });
  const model = options.model ?? echoModel();
  const queueSize = options.queueSize ?? 8;
  const msixVectors = options.msixVectors ?? 4;
  if (io && options.part) {
    const queues = model.queues.map(({ name, size = queueSize }) => ({ name, size }));
    io.addPart({ part: 1, name: "fake", slot, msixVectors, queues }, options.part);
  }
  const fn = host.addDevice({
    slot,
    name: "fake",
    virtioId: options.virtioId ?? 2,
    model,
    queueSize,
    msixVectors,
    transportFeatures: options.transportFeatures ?? RING_FEATURES,
    ...(io && { part: 1 }),
  });
  const hostBell = new Doorbell(control, plan.hostDoorbell);
  const cpuBell = new Doorbell(control, plan.cpus[0]?.doorbell ?? 0);
  const kicks = new KickSender(control, plan, hostBell);
  const bus = new DirectBus(host.handler, kickFastPath ? kicks : undefined);
  const driver = new FakeDriver(ram, bus, slot);
  const cpu = new InterruptController(control, plan, 0, cpuBell);
  return {
    host,
    io,
    /** What the first thread asked of the I/O thread. */
    calls,
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
