/** The block driver against the real host and its block device in memory. */
import { expect, test } from "vitest";
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { blk as blkModel } from "../../src/devices/blk/model.ts";
import { blk } from "../../src/drivers/blk/blk.ts";
import type { Disk } from "../../src/drivers/blk/disk.ts";
import type { DeviceModel } from "../../src/host/device.ts";
import type { AddDeviceOptions } from "../../src/host/virtio-function.ts";
import { BLK_FEATURE } from "../../src/wire/blk.ts";
import { putU64 } from "../../src/wire/bytes.ts";
import { featureMask, RING_FEATURES } from "../../src/wire/features.ts";
import { SECTOR_SIZE } from "../../src/wire/numbers.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { silentModel } from "../support/models.ts";

const SECTORS = 64;
const BLK_ID = 2;
/** A feature of block devices that the driver has no use for. */
const LIFETIME = 15;

function boot(model: DeviceModel, device: Partial<AddDeviceOptions> = {}) {
  const machine = new DirectMachine();
  const fn = machine.add({ model, virtioId: BLK_ID, ...device });
  machine.guest.boot([blk]);
  const [disk] = machine.guest.virtio.findAll(blk);
  if (disk === undefined) throw new Error(`blk did not bind: ${machine.log.join()}`);
  return { machine, fn, disk };
}
const inMemory = (readOnly = false) =>
  blkModel(memoryDisk({ bytes: SECTORS * SECTOR_SIZE, readOnly }), { serial: "serial-1" });
const pattern = (sectors: number, seed: number) =>
  Uint8Array.from({ length: sectors * SECTOR_SIZE }, (_, index) => index * 7 + seed);

/** Answers each request with a status byte that the test chooses; 0xff writes none. */
function statusModel(status: number): DeviceModel {
  return {
    features: 0,
    queues: [{ name: "requests" }],
    config: new Uint8Array(60),
    queueNotified: (queue) =>
      queue.serve((chain) => {
        if (status !== 0xff) chain.write(chain.writableBytes - 1, Uint8Array.of(status));
        queue.push(chain, 1);
      }),
  };
}

test("probe reads the device's facts", () => {
  const { disk } = boot(inMemory());
  expect(disk.capacitySectors).toBe(SECTORS);
  expect(disk.blockSize).toBe(512);
  expect(disk.readOnly).toBe(false);
});

test.each([0, RING_FEATURES])(
  "what was written is read back (ring features %i)",
  async (transportFeatures) => {
    const { machine, disk } = boot(inMemory(), { transportFeatures });
    await machine.run(disk.write(3, pattern(4, 1)));
    await machine.run(disk.flush());
    expect(await machine.run(disk.read(3, 4))).toEqual(pattern(4, 1));
    expect(machine.violations).toEqual([]);
  },
);

test("data goes straight from and to guest memory", async () => {
  const { machine, disk } = boot(inMemory());
  const { memory } = machine.guest;
  const address = memory.allocatePages(4096) ?? 0;
  memory.write(address, pattern(8, 5));
  await machine.run(disk.writeFrom(8, 8, address));
  memory.write(address, new Uint8Array(4096));
  await machine.run(disk.readInto(8, 8, address));
  const found = new Uint8Array(4096);
  memory.read(address, found);
  expect(found).toEqual(pattern(8, 5));
});

test("more requests than the ring holds wait their turn, and are all answered in the right place", async () => {
  const { machine, disk } = boot(inMemory(), { queueSize: 4, transportFeatures: 0 });
  const writes = Array.from({ length: SECTORS }, (_, sector) => disk.write(sector, pattern(1, sector)));
  await machine.run(Promise.all(writes));
  const reads = await machine.run(Promise.all(writes.map((_, sector) => disk.read(sector, 1))));
  reads.forEach((data, sector) => {
    expect(data).toEqual(pattern(1, sector));
  });
});

test("shorter segments make longer chains of the same request", async () => {
  const { machine, fn, disk } = boot(inMemory(), { queueSize: 16, transportFeatures: 0 });
  disk.segmentBytes = 512;
  await machine.run(disk.write(0, pattern(8, 9)));
  expect(await machine.run(disk.read(0, 8))).toEqual(pattern(8, 9));
  expect(fn.device.queueConfigs[0]?.counters.requests).toBe(2);
});

test("steady state allocates no guest memory", async () => {
  const { machine, disk } = boot(inMemory());
  const round = () => machine.run(Promise.all([0, 1, 2, 3].map((sector) => disk.read(sector, 1))));
  await round();
  const before = machine.guest.memory.allocatedBytes;
  for (let rounds = 0; rounds < 10; rounds++) await round();
  expect(machine.guest.memory.allocatedBytes).toBe(before);
});

test("the serial number ends at its NUL", async () => {
  const { machine, disk } = boot(inMemory());
  expect(await machine.run(disk.id())).toBe("serial-1");
});

test("a read-only disk says so and refuses writes", async () => {
  const { machine, disk } = boot(inMemory(true));
  expect(disk.readOnly).toBe(true);
  await expect(machine.run(disk.write(0, pattern(1, 0)))).rejects.toMatchObject({ status: "IOERR" });
});

test("past the end is an I/O error of the device", async () => {
  const { machine, disk } = boot(inMemory());
  await expect(machine.run(disk.read(SECTORS, 1))).rejects.toMatchObject({
    name: "BlkError",
    status: "IOERR",
  });
});

test.each([
  { status: 1, expected: "IOERR" },
  { status: 2, expected: "UNSUPP" },
  { status: 77, expected: "IOERR" },
  { status: 0xff, expected: "IOERR" },
])("status $status of the device becomes $expected", async ({ status, expected }) => {
  const { machine, disk } = boot(statusModel(status));
  await expect(machine.run(disk.read(0, 1))).rejects.toMatchObject({ name: "BlkError", status: expected });
});

test("callers' mistakes are refused before the device sees them", async () => {
  const { disk } = boot(inMemory());
  await expect(disk.write(0, new Uint8Array(100))).rejects.toThrow("not whole sectors");
  await expect(disk.read(0, 0)).rejects.toThrow("count: expected a whole number from 1 to");
});

test("flush is no request where writes are stable by themselves", async () => {
  const { disk } = boot(silentModel([{ name: "requests" }]));
  await expect(disk.flush()).resolves.toBeUndefined();
});

/** Settles once each: how every promise ended. */
const endings = (promises: readonly Promise<unknown>[]) =>
  Promise.allSettled(promises).then((all) =>
    all.map((result) => (result.status === "rejected" ? result.reason.name : "fulfilled")),
  );

test("removal rejects requests in flight and waiting as cancelled, and leaves nothing behind", async () => {
  const { machine, disk } = boot(silentModel([{ name: "requests", size: 4 }]));
  const pending = endings(Array.from({ length: 10 }, (_, sector) => disk.read(sector, 1)));
  machine.settle();
  machine.guest.virtio.unregisterDriver(blk);
  expect(new Set(await pending)).toEqual(new Set(["CancelledError"]));
  await expect(disk.read(0, 1)).rejects.toThrow("removed");
  expect(machine.footprint()).toMatchObject({ allocatedBytes: 0, handlers: 0 });
});

test("a device that breaks the ring: everything is rejected with the reason", async () => {
  const lying: DeviceModel = {
    ...silentModel([{ name: "requests" }]),
    queueNotified(queue) {
      const chain = queue.pop();
      if (chain === undefined) return;
      queue.push(chain, chain.writableBytes + 1000);
      queue.flush();
    },
  };
  const { machine, disk } = boot(lying);
  const both = [disk.read(0, 1), disk.read(1, 1)];
  await expect(machine.run(Promise.any(both))).rejects.toThrow();
  await expect(both[0]).rejects.toThrow("writable bytes");
  await expect(both[1]).rejects.toThrow("writable bytes");
});

test("a capacity that changes is seen", () => {
  const { machine, fn, disk } = boot(inMemory());
  const capacity = new Uint8Array(8);
  putU64(capacity, 0, 1000);
  fn.device.updateConfig(0, capacity);
  machine.settle();
  expect(disk.capacitySectors).toBe(1000);
});

test("failing to find memory for its slots, the driver leaves nothing behind", () => {
  const machine = new DirectMachine();
  machine.add({ model: inMemory(), virtioId: BLK_ID });
  machine.guest.boot();
  const { memory } = machine.guest;
  memory.allocatePages(memory.freeBytes - 8192);
  const before = machine.footprint();
  machine.guest.virtio.registerDriver(blk);
  expect(machine.guest.virtio.findAll<Disk>(blk)).toEqual([]);
  expect(machine.log.join()).toContain("ENOMEM");
  expect(machine.footprint()).toEqual(before);
});

test("only features that the driver knows are accepted", () => {
  const { fn } = boot({ ...inMemory(), features: featureMask(BLK_FEATURE.FLUSH, LIFETIME) });
  expect(fn.device.features & featureMask(LIFETIME)).toBe(0);
});
