/** The entropy driver against the real host. */
import { expect, test } from "vitest";
import { CancelledError } from "../../src/drivers/errors.ts";
import { type Entropy, rng } from "../../src/drivers/rng.ts";
import type { DeviceModel } from "../../src/host/device.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { echoModel, silentModel } from "../support/models.ts";

function boot(model: DeviceModel): { machine: DirectMachine; source: Entropy } {
  const machine = new DirectMachine();
  machine.add({ model });
  machine.guest.boot([rng]);
  const [source] = machine.guest.virtio.findAll(rng);
  if (source === undefined) throw new Error("rng did not bind");
  return { machine, source };
}

test("reads what the device wrote, and gives its buffer back", async () => {
  const { machine, source } = boot(echoModel({ queues: [{ name: "input" }] }));
  const before = machine.guest.memory.allocatedBytes;
  expect(await machine.run(source.read(5))).toEqual(new Uint8Array(5).fill(0x5a));
  expect(machine.guest.memory.allocatedBytes).toBe(before);
});

test("a device may fill less than it was offered", async () => {
  const short: DeviceModel = {
    features: 0,
    queues: [{ name: "input" }],
    queueNotified: (queue) => queue.serve((chain) => queue.push(chain, chain.write(0, Uint8Array.of(1, 2)))),
  };
  const { machine, source } = boot(short);
  expect(await machine.run(source.read(64))).toEqual(Uint8Array.of(1, 2));
});

test("removal cancels what is in flight, and leaves nothing allocated", async () => {
  const { machine, source } = boot(silentModel());
  const waiting = source.read(16);
  machine.settle();
  machine.guest.virtio.unregisterDriver(rng);
  await expect(waiting).rejects.toThrow(CancelledError);
  await expect(source.read(1)).rejects.toThrow(CancelledError);
  expect(machine.footprint()).toMatchObject({ allocatedBytes: 0, handlers: 0 });
});

test("more requests than the ring holds are refused, the others served", async () => {
  const { machine, source } = boot(echoModel({ queues: [{ name: "input", size: 2 }] }));
  const results = await machine.run(Promise.allSettled([source.read(1), source.read(1), source.read(1)]));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
});
