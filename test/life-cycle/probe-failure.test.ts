/**
 * Probes that fail: for every driver, at every place where memory may run out, on every interrupt path. The device is
 * told (FAILED), everything is undone, and the same device is taken when there is memory again.
 */
import { expect, test } from "vitest";
import { devices } from "../../src/devices/index.ts";
import { drivers } from "../../src/drivers/index.ts";
import type { DeviceModel } from "../../src/host/device.ts";
import { checkOptions } from "../../src/machine/devices.ts";
import { STATUS } from "../../src/wire/status.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { present } from "./rig.ts";

const PATHS = ["msix", "msix-shared", "intx"] as const;
const ROOM_STEP = 4096;
/** More than any driver wants to begin with. */
const ROOM_MAX = 2 ** 21;
const RAM_BYTES = 8 * 2 ** 20;
const platform = {
  now: () => 0,
  randomFill: (bytes: Uint8Array) => void bytes.fill(1),
  after: () => () => {},
};

async function create(name: string): Promise<DeviceModel> {
  const definition = present(devices[name]);
  const options = name === "blk" ? { size: "1M" } : {};
  return definition.create(checkOptions(definition, options), platform);
}

async function machineWith(name: string, tier: (typeof PATHS)[number], change: Partial<DeviceModel> = {}) {
  const machine = new DirectMachine({ interruptTiers: tier, ramBytes: RAM_BYTES });
  const model = await create(name);
  const { virtioId } = present(devices[name]);
  // In place, because a model may be an instance of a class with private parts.
  for (const [key, value] of Object.entries(change)) Object.defineProperty(model, key, { value });
  const fn = machine.add({ name, virtioId, model, msixVectors: model.queues.length + 1 });
  machine.guest.boot();
  return { machine, fn };
}

const CASES = Object.keys(devices).flatMap((name) => PATHS.map((path) => [name, path] as const));

test.each(CASES)(
  "%s on %s: short of memory anywhere in its probe, it leaves nothing behind",
  async (name, path) => {
    const { machine, fn } = await machineWith(name, path);
    const { memory, virtio } = machine.guest;
    const driver = present(drivers.find(({ deviceId }) => deviceId === present(devices[name]).virtioId));
    let failures = 0;
    for (let room = 0; room <= ROOM_MAX; room += ROOM_STEP) {
      const taken = memory.freeBytes - room;
      const address = present(memory.allocatePages(taken));
      const before = machine.footprint();
      virtio.registerDriver(driver);
      const bound = virtio.findAll(driver).length;
      if (bound === 0) {
        failures++;
        expect(fn.device.status & STATUS.FAILED).toBe(STATUS.FAILED);
        expect(machine.footprint()).toEqual(before);
      }
      virtio.unregisterDriver(driver);
      memory.freePages(address, taken);
      if (bound > 0) break;
    }
    expect(failures).toBeGreaterThan(0);
    virtio.registerDriver(driver);
    machine.settle();
    expect(virtio.findAll(driver)).toHaveLength(1);
    expect(fn.device.status & STATUS.FAILED).toBe(0);
  },
);

test.each(CASES)("%s on %s: a device without its first queue is refused", async (name, path) => {
  const queues = present(await create(name)).queues.map((queue, index) => ({
    ...queue,
    size: index === 0 ? 0 : 8,
  }));
  const { machine, fn } = await machineWith(name, path, { queues });
  const before = machine.footprint();
  for (const driver of drivers) machine.guest.virtio.registerDriver(driver);
  expect(fn.device.status & STATUS.FAILED).toBe(STATUS.FAILED);
  expect(machine.log.join("\n")).toContain("does not take it");
  expect(machine.footprint()).toEqual(before);
});
