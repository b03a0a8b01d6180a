/** What a guest program gives the drivers and they cannot use: one clear error each, and nothing has happened. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { blk as blkModel } from "../../src/devices/blk/model.ts";
import { ConsoleModel } from "../../src/devices/console/model.ts";
import { blk } from "../../src/drivers/blk/blk.ts";
import { console as consoleDriver } from "../../src/drivers/console/driver.ts";
import { net } from "../../src/drivers/net/net.ts";
import { ping } from "../../src/drivers/net/ping.ts";
import { rng } from "../../src/drivers/rng.ts";
import { SECTOR_SIZE } from "../../src/wire/numbers.ts";
import { VIRTIO_TYPE } from "../../src/wire/virtio-ids.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { echoModel } from "../support/models.ts";
import { addNic, FakeBackend } from "./net-rig.ts";

const machine = new DirectMachine();
const disk = memoryDisk({ bytes: 64 * SECTOR_SIZE, readOnly: false, seed: 1 });
const model = blkModel(disk, {});
machine.add({ slot: 4, model, virtioId: VIRTIO_TYPE.blk.id, queueSize: 16 });
addNic(machine, new FakeBackend(), { device: { slot: 5 } });
const ports = new ConsoleModel({ size: { cols: 80, rows: 25 }, maxPorts: 4, multiport: true });
machine.add({ slot: 6, model: ports, virtioId: VIRTIO_TYPE.console.id });
machine.add({ slot: 7, model: echoModel({ queues: [{ name: "input" }] }) });
machine.guest.boot([blk, net, consoleDriver, rng]);
machine.settle();
const { virtio, memory } = machine.guest;
const drivers = {
  disk: virtio.find(blk),
  nic: virtio.find(net),
  console: virtio.find(consoleDriver),
  rng: virtio.find(rng),
};
const COUNT_MAX = Math.floor(drivers.disk.requestBytesMax / SECTOR_SIZE);
const page = memory.allocatePages(4096) ?? 0;
const sector = new Uint8Array(SECTOR_SIZE);
const addresses = { from: "10.0.2.15", to: "10.0.2.2" };
const header = { flags: 0, gsoType: 0, headerBytes: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 };

/** Anything but a whole number within the bounds. */
const notWithin = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  fc
    .oneof(
      fc.double(),
      fc.integer({ max: min - 1 }),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, min - 1, max + 1, min + 0.5, 2 ** 53),
      fc.constantFrom<unknown>("1", undefined, null, true, {}, [], 1n),
    )
    .filter((value) => !(Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max))
    // An option that is not given has a default.
    .filter((value) => value !== undefined);

type Call = (value: never) => unknown;

/** Method and argument, what is wrong for it, the call. */
const NUMBERS: [string, fc.Arbitrary<unknown>, Call][] = [
  ["disk.read sector", notWithin(0), (value) => drivers.disk.read(value, 1)],
  ["disk.read count", notWithin(1, COUNT_MAX), (value) => drivers.disk.read(0, value)],
  ["disk.readInto sector", notWithin(0), (value) => drivers.disk.readInto(value, 1, page)],
  ["disk.readInto address", notWithin(page, page), (value) => drivers.disk.readInto(0, 8192, value)],
  ["disk.write sector", notWithin(0), (value) => drivers.disk.write(value, sector)],
  ["disk.writeFrom sector", notWithin(0), (value) => drivers.disk.writeFrom(value, 1, page)],
  ["disk.writeFrom address", notWithin(page, page), (value) => drivers.disk.writeFrom(0, 8192, value)],
  ["disk.discard sector", notWithin(0), (value) => drivers.disk.discard(value, 1)],
  ["disk.discard count", notWithin(1), (value) => drivers.disk.discard(0, value)],
  ["disk.writeZeroes sector", notWithin(0), (value) => drivers.disk.writeZeroes(value, 1)],
  ["disk.writeZeroes count", notWithin(1), (value) => drivers.disk.writeZeroes(0, value)],
  [
    "disk.segmentBytes",
    notWithin(1).filter((value) => value !== Number.POSITIVE_INFINITY),
    (value) => Object.assign(drivers.disk, { segmentBytes: value }),
  ],
  [
    "nic.send header",
    notWithin(0, 0xffff),
    (csumStart) => drivers.nic.send(sector, { header: { ...header, csumStart } }),
  ],
  ["nic.send pair", notWithin(0, 0), (pair) => drivers.nic.send(sector, { pair })],
  ["nic.addVlan", notWithin(0, 0xffff), (value) => drivers.nic.addVlan(value)],
  ["nic.removeVlan", notWithin(0, 0xffff), (value) => drivers.nic.removeVlan(value)],
  ["nic.setQueuePairs", notWithin(1, 1), (value) => drivers.nic.setQueuePairs(value)],
  ["ping count", notWithin(1, 0xffff), (count) => ping(drivers.nic, { ...addresses, count })],
  ["ping bytes", notWithin(0, 65507), (bytes) => ping(drivers.nic, { ...addresses, bytes })],
  [
    "ping timeoutMs",
    notWithin(1, 2 ** 31 - 1),
    (timeoutMs) => ping(drivers.nic, { ...addresses, timeoutMs }),
  ],
  [
    "console.port",
    notWithin(0, 3).filter((value) => typeof value !== "string"),
    (value) => drivers.console.port(value),
  ],
  ["rng.read", notWithin(1, 0xffff_ffff), (value) => drivers.rng.read(value)],
];

const NO_BYTES = fc.anything().filter((value) => !(value instanceof Uint8Array));
const OTHERS: [string, fc.Arbitrary<unknown>, Call][] = [
  ["disk.write data", NO_BYTES, (value) => drivers.disk.write(0, value)],
  ["nic.send frame", NO_BYTES, (value) => drivers.nic.send(value)],
  ["nic.send empty frame", fc.constant(new Uint8Array(0)), (value) => drivers.nic.send(value)],
  ["nic.setMac", fc.anything(), (value) => drivers.nic.setMac(value)],
  ["nic.setRxMode unicast", fc.anything(), (value) => drivers.nic.setRxMode({ unicast: [value] })],
  [
    "ping to",
    fc.oneof(fc.anything(), fc.constantFrom("1..2.3", "1.2.3", "256.1.1.1", " 1.2.3.4")),
    (to) => ping(drivers.nic, { ...addresses, to }),
  ],
  ["console.port name", fc.constant(""), (value) => drivers.console.port(value)],
  [
    "console.emergencyWrite",
    fc.anything().filter((value) => typeof value !== "string"),
    (value) => drivers.console.emergencyWrite(value),
  ],
];

describe.each([...NUMBERS, ...OTHERS])("%s", (_, wrong, call) => {
  test("is refused in one line, and leaves everything as it was", async () => {
    const before = machine.footprint();
    await fc.assert(
      fc.asyncProperty(wrong, async (value) => {
        const error = await (async () => call(value as never))().then(
          () => "no error",
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(Error);
        expect(["RangeError", "TypeError", "NetError"]).toContain((error as Error).name);
        expect((error as Error).message).toMatch(/expected .*got|not whole sectors|is no|not in use/);
        expect((error as Error).message).not.toContain("\n");
      }),
      { numRuns: 60 },
    );
    expect(machine.footprint()).toEqual(before);
    expect(machine.violations).toEqual([]);
  });
});

test("an allocation of NaN bytes is refused: it would be a hole without end", () => {
  expect(() => memory.allocate(Number.NaN)).toThrow("NaN bytes");
  expect(() => memory.allocatePages(Number.NaN)).toThrow("NaN bytes");
});

test("what is left works as before", async () => {
  expect((await machine.run(drivers.disk.read(0, 64))).length).toBe(64 * SECTOR_SIZE);
  expect((await machine.run(drivers.rng.read(3))).length).toBe(3);
});
