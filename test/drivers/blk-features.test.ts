/** What block device and driver agree on by feature bits: queues, cache, discard, zeroes, size changes, bad backends. */
import { expect, test } from "vitest";
import { BLK_DEFAULTS, type BlkOptions } from "../../src/devices/blk/configuration.ts";
import type { Disk as Backend } from "../../src/devices/blk/disk.ts";
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { blk as blkModel } from "../../src/devices/blk/model.ts";
import { blk } from "../../src/drivers/blk/blk.ts";
import type { InterruptChoice } from "../../src/guest/virtio/types.ts";
import type { AddDeviceOptions } from "../../src/host/virtio-function.ts";
import { BLK_CONFIG } from "../../src/wire/blk.ts";
import { SECTOR_SIZE } from "../../src/wire/numbers.ts";
import { DirectMachine } from "../support/direct-machine.ts";

const SECTORS = 256;
const BLK_ID = 2;

interface BootOptions {
  readonly backend?: Backend;
  readonly options?: Partial<BlkOptions>;
  readonly tiers?: InterruptChoice;
  readonly device?: Partial<AddDeviceOptions>;
}

const seeded = () => memoryDisk({ bytes: SECTORS * SECTOR_SIZE, readOnly: false, seed: 1 });

function boot({ backend = seeded(), options = {}, tiers = "auto", device = {} }: BootOptions = {}) {
  const machine = new DirectMachine({ interruptTiers: tiers });
  const model = blkModel(backend, options);
  const fn = machine.add({ model, virtioId: BLK_ID, msixVectors: model.queues.length + 1, ...device });
  machine.guest.boot([blk]);
  return { machine, fn, disk: machine.guest.virtio.find(blk) };
}

/** Counts flushes, and fails where it is told to. */
function watched() {
  const inner = seeded();
  const calls = { flushes: 0, fail: undefined as Error | undefined };
  const backend: Backend = {
    ...inner,
    write: async (position, sources) => {
      if (calls.fail !== undefined) throw calls.fail;
      return inner.write(position, sources);
    },
    flush: () => {
      calls.flushes++;
    },
  };
  return { backend, calls };
}

const sector = (value: number) => new Uint8Array(SECTOR_SIZE).fill(value);

test.each([
  { vectors: 5, tier: "msix" },
  { vectors: 4, tier: "msix-shared" },
  { vectors: 2, tier: "msix-shared" },
  { vectors: 1, tier: "intx" },
  { vectors: 0, tier: "intx" },
])("four queues on $vectors vectors: $tier, and every queue serves requests", async ({ vectors, tier }) => {
  const { machine, fn, disk } = boot({ options: { queues: 4 }, device: { msixVectors: vectors } });
  expect(machine.guest.virtio.describe()[0]?.tier).toBe(tier);
  await machine.run(Promise.all(Array.from({ length: 32 }, (_, at) => disk.write(at, sector(at)))));
  const found = await machine.run(Promise.all(Array.from({ length: 32 }, (_, at) => disk.read(at, 1))));
  expect(found).toEqual(Array.from({ length: 32 }, (_, at) => sector(at)));
  expect(fn.device.queueConfigs.map(({ counters }) => counters.requests)).toEqual([16, 16, 16, 16]);
  expect(machine.violations).toEqual([]);
});

test("geometry, topology and limits arrive as the device has them", () => {
  const { disk } = boot({
    options: { physicalBlockSize: 4096, minIoSize: 4096, optIoSize: 65_536, segmentBytesMax: 8192 },
  });
  expect(disk.facts).toMatchObject({
    geometry: { cylinders: 1, heads: 16, sectors: 63 },
    topology: { physicalBlockSize: 4096, minIo: 4096, optIo: 65_536 },
    segmentBytesMax: 8192,
    segmentsMax: BLK_DEFAULTS.segmentsMax,
  });
});

test("a segment limit is kept: the same request in more segments", async () => {
  const inner = seeded();
  const segments: number[] = [];
  const write: Backend["write"] = (position, sources) => {
    segments.push(...sources.map(({ length }) => length));
    return inner.write(position, sources);
  };
  const { machine, disk } = boot({ backend: { ...inner, write }, options: { segmentBytesMax: 1024 } });
  const data = Uint8Array.from({ length: 16 * SECTOR_SIZE }, (_, index) => index * 3);
  await machine.run(disk.write(0, data));
  expect(segments).toEqual(Array(8).fill(1024));
  expect(await machine.run(disk.read(0, 16))).toEqual(data);
  expect(machine.violations).toEqual([]);
});

test.each(["discard", "writeZeroes"] as const)("%s leaves zeros, and nothing else changes", async (what) => {
  const { machine, disk } = boot();
  const before = await machine.run(disk.read(0, 120));
  await machine.run(disk[what](10, 100));
  const after = await machine.run(disk.read(0, 120));
  before.fill(0, 10 * SECTOR_SIZE, 110 * SECTOR_SIZE);
  expect(after).toEqual(before);
});

test("a range past the end is an I/O error, and a device without the feature is not asked", async () => {
  const { machine, disk } = boot();
  await expect(machine.run(disk.discard(SECTORS - 1, 2))).rejects.toMatchObject({ status: "IOERR" });
  const without = boot({ options: { discard: false, writeZeroes: false } });
  await expect(without.disk.discard(0, 1)).rejects.toMatchObject({ status: "UNSUPP" });
  await expect(without.disk.writeZeroes(0, 1)).rejects.toMatchObject({ status: "UNSUPP" });
});

test("write-back flushes when asked, write-through with every write and not when asked", async () => {
  const { backend, calls } = watched();
  const { machine, disk } = boot({ backend });
  await machine.run(disk.write(0, sector(1)));
  expect(calls.flushes).toBe(0);
  await machine.run(disk.flush());
  expect(calls.flushes).toBe(1);
  await machine.run(disk.setWriteback(false));
  expect(calls.flushes).toBe(2);
  await machine.run(disk.write(0, sector(2)));
  expect(calls.flushes).toBe(3);
  await machine.run(disk.flush());
  expect(calls.flushes).toBe(3);
});

test("cache=writethrough is where the device begins, and begins again after a reset", async () => {
  const { backend, calls } = watched();
  const { machine, fn, disk } = boot({ backend, options: { writeback: false } });
  expect(disk.writeback).toBe(false);
  await machine.run(disk.writeZeroes(0, 1));
  expect(calls.flushes).toBe(1);
  await machine.run(disk.setWriteback(true));
  expect(fn.device.config[BLK_CONFIG.writeback]).toBe(1);
  machine.guest.virtio.unregisterDriver(blk);
  expect(fn.device.config[BLK_CONFIG.writeback]).toBe(0);
});

test("of its configuration a driver changes the cache and nothing else", () => {
  const { machine, fn } = boot();
  const before = Uint8Array.from(fn.device.config);
  machine.guest.virtio.devices[0]?.transport.setConfig(0, new Uint8Array(BLK_CONFIG.bytes).fill(0xff));
  machine.settle();
  expect(fn.device.config).toEqual(before);
});

test.each(["msix", "msix-shared", "intx"] as const)(
  "a resize arrives as a change of configuration (%s)",
  async (tiers) => {
    const { machine, fn, disk } = boot({ tiers });
    const resize = async (size: string) => fn.device.model.commands?.resize?.run([size], fn.device);
    await resize("1M");
    machine.settle();
    expect(disk.capacitySectors).toBe(2048);
    await machine.run(disk.write(2047, sector(9)));
    await resize("512");
    machine.settle();
    expect(disk.capacitySectors).toBe(1);
    await expect(machine.run(disk.read(1, 1))).rejects.toMatchObject({ status: "IOERR" });
    await expect(resize("100")).rejects.toThrow("multiple of 512");
  },
);

test("a full disk fails the one request with one log line, and the device goes on", async () => {
  const { backend, calls } = watched();
  const { machine, disk } = boot({ backend });
  calls.fail = new Error("ENOSPC: no space left on device, write");
  await expect(machine.run(disk.write(0, sector(1)))).rejects.toMatchObject({ status: "IOERR" });
  calls.fail = undefined;
  await machine.run(disk.write(0, sector(2)));
  expect(await machine.run(disk.read(0, 1))).toEqual(sector(2));
  expect(machine.hostLog).toEqual([
    "00:04.0 test: request type 1 at sector 0: ENOSPC: no space left on device, write",
  ]);
});
