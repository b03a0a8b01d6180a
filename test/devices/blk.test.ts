import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Disk } from "../../src/devices/blk/disk.ts";
import { openFileDisk } from "../../src/devices/blk/file-disk.ts";
import { memoryDisk } from "../../src/devices/blk/memory-disk.ts";
import { BLK_CONFIG, BLK_STATUS, BLK_TYPE } from "../../src/wire/blk.ts";
import { featureMask } from "../../src/wire/features.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { IO_BASE } from "../support/fake-driver.ts";
import { BUFFER_AT } from "../support/host-rig.ts";
import { blkRig } from "./blk-rig.ts";

/** 64 sectors: a handful of 4 KiB requests. */
const BYTES = 64 * 512;
const pattern = (length: number, start = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (start + i) & 0xff);

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "virtlab-blk-"));
});
afterAll(async () => {
  await Promise.all(opened.map((disk) => disk.close()));
  await rm(directory, { recursive: true });
});

const opened: Disk[] = [];
async function fileDisk(readOnly: boolean): Promise<Disk> {
  const path = join(directory, `disk-${opened.length}.img`);
  await writeFile(path, new Uint8Array(BYTES));
  const disk = await openFileDisk(path, readOnly);
  opened.push(disk);
  return disk;
}

const disks: [string, (readOnly: boolean) => Disk | Promise<Disk>][] = [
  ["memory disk", (readOnly) => memoryDisk({ bytes: BYTES, readOnly })],
  ["file disk", fileDisk],
];

describe.each(disks)("requests on a %s", (_name, makeDisk) => {
  const rigOn = async (readOnly = false) => blkRig(await makeDisk(readOnly));

  it("OUT stores and IN reads back, with used length data + 1", async () => {
    const { request } = await rigOn();
    const written = await request({ type: BLK_TYPE.OUT, sector: 3, data: pattern(1024) });
    expect([written.status, written.used]).toEqual([BLK_STATUS.OK, 1]);
    const read = await request({ type: BLK_TYPE.IN, sector: 3, room: 1024 });
    expect([read.status, read.used]).toEqual([BLK_STATUS.OK, 1025]);
    expect(read.data).toEqual(pattern(1024));
  });

  it("FLUSH answers OK", async () => {
    const { request } = await rigOn();
    expect(await request({ type: BLK_TYPE.FLUSH })).toMatchObject({ status: BLK_STATUS.OK, used: 1 });
  });

  it("GET_ID gives the serial padded with NULs to 20 bytes", async () => {
    const { request } = await rigOn();
    const answer = await request({ type: BLK_TYPE.GET_ID, room: 20 });
    expect([answer.status, answer.used]).toEqual([BLK_STATUS.OK, 21]);
    expect(new TextDecoder().decode(answer.data)).toBe("serial".padEnd(20, "\0"));
  });

  it("an unknown type is UNSUPP", async () => {
    const { request } = await rigOn();
    expect(await request({ type: 0x77, room: 512 })).toMatchObject({ status: BLK_STATUS.UNSUPP, used: 1 });
  });

  it("the last sector is on the disk, and the one behind it is IOERR", async () => {
    const { request } = await rigOn();
    expect((await request({ type: BLK_TYPE.IN, sector: 63, room: 512 })).status).toBe(BLK_STATUS.OK);
    for (const sector of [64, 63.5 * 2 ** 40, 2 ** 53]) {
      expect((await request({ type: BLK_TYPE.IN, sector, room: 512 })).status).toBe(BLK_STATUS.IOERR);
    }
    expect((await request({ type: BLK_TYPE.IN, sector: 63, room: 1024 })).status).toBe(BLK_STATUS.IOERR);
    const out = await request({ type: BLK_TYPE.OUT, sector: 64, data: pattern(512) });
    expect([out.status, out.used]).toEqual([BLK_STATUS.IOERR, 1]);
  });

  it("part of a sector is IOERR", async () => {
    const { request } = await rigOn();
    expect((await request({ type: BLK_TYPE.IN, room: 511 })).status).toBe(BLK_STATUS.IOERR);
    expect((await request({ type: BLK_TYPE.OUT, data: pattern(513) })).status).toBe(BLK_STATUS.IOERR);
  });

  it("a write to a read-only disk is IOERR and changes nothing", async () => {
    const { request, driver } = await rigOn(true);
    expect(driver.read(LEGACY.hostFeatures) & (1 << 5)).not.toBe(0);
    expect((await request({ type: BLK_TYPE.OUT, data: pattern(512) })).status).toBe(BLK_STATUS.IOERR);
    expect((await request({ type: BLK_TYPE.IN, room: 512 })).data).toEqual(new Uint8Array(512));
  });

  it("many in flight are all answered, each once", async () => {
    const { offer, kick, settle, status, ring } = await rigOn();
    const indices = Array.from({ length: 15 }, (_, i) => i);
    for (const i of indices) offer(i, { type: BLK_TYPE.OUT, sector: i, data: pattern(512, i) });
    kick();
    await settle();
    const heads = ring.takeUsed().map((used) => used.id);
    expect(heads.sort((a, b) => a - b)).toEqual(indices.map((i) => 4 * i));
    expect(indices.map(status)).toEqual(indices.map(() => BLK_STATUS.OK));
  });
});

describe("framing", () => {
  it("is found by bytes: header cut in two, and status behind the data in one descriptor", async () => {
    const { ring, driver, kick } = blkRig(memoryDisk({ bytes: BYTES, readOnly: false, seed: 5 }));
    ring.offerChain(0, [
      { address: BUFFER_AT, length: 7 },
      { address: BUFFER_AT + 7, length: 9 },
      { address: BUFFER_AT + 0x2000, length: 100, write: true },
      { address: BUFFER_AT + 0x3000, length: 413, write: true },
    ]);
    kick();
    expect(ring.takeUsed()).toEqual([{ id: 0, length: 513 }]);
    expect(driver.get(BUFFER_AT + 0x3000 + 412, 1)[0]).toBe(BLK_STATUS.OK);
  });

  it("header and data in one readable descriptor are stored from byte 16 on", async () => {
    const { ring, driver, kick, request } = blkRig(memoryDisk({ bytes: BYTES, readOnly: false }));
    driver.put(
      BUFFER_AT,
      Uint8Array.of(BLK_TYPE.OUT, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, ...pattern(512)),
    );
    ring.offerChain(0, [
      { address: BUFFER_AT, length: 528 },
      { address: BUFFER_AT + 0x3000, length: 1, write: true },
    ]);
    kick();
    expect(ring.takeUsed()).toEqual([{ id: 0, length: 1 }]);
    expect((await request({ type: BLK_TYPE.IN, sector: 2, room: 512 })).data).toEqual(pattern(512));
  });

  it.each([
    ["no room for the status", [{ address: BUFFER_AT, length: 16 }]],
    [
      "too few bytes for the header",
      [
        { address: BUFFER_AT, length: 15 },
        { address: BUFFER_AT + 64, length: 1, write: true },
      ],
    ],
  ])("with %s is a violation, and the chain comes back with length 0", (_what, buffers) => {
    const { ring, kick, kinds } = blkRig(memoryDisk({ bytes: BYTES, readOnly: false }));
    ring.offerChain(0, buffers);
    kick();
    expect(ring.takeUsed()).toEqual([{ id: 0, length: 0 }]);
    expect(kinds()).toEqual(["request-format"]);
  });
});

describe("configuration", () => {
  it("states capacity in sectors, 126 segments and 512-byte blocks", () => {
    const { bus } = blkRig(memoryDisk({ bytes: BYTES, readOnly: false }));
    const at = IO_BASE + 20;
    expect(bus.in(at + BLK_CONFIG.capacity, 4)).toBe(64);
    expect(bus.in(at + BLK_CONFIG.capacity + 4, 4)).toBe(0);
    expect(bus.in(at + BLK_CONFIG.segMax, 4)).toBe(126);
    expect(bus.in(at + BLK_CONFIG.blkSize, 4)).toBe(512);
  });

  it("offers what a plain disk has: segment limit, geometry, block size, flush, topology, cache, discard, zeroes", () => {
    const { driver } = blkRig(memoryDisk({ bytes: BYTES, readOnly: false }));
    const bits = [2, 4, 6, 9, 10, 11, 13, 14];
    expect(driver.read(LEGACY.hostFeatures) & 0xff_ffff).toBe(featureMask(...bits));
  });
});

/** A disk whose answers come when the test says so. */
function heldDisk() {
  const calls: { what: string; answer: (bytes?: Uint8Array) => void; fail: (error: Error) => void }[] = [];
  const later = <T>(what: string, value: (bytes?: Uint8Array) => T): Promise<T> =>
    new Promise((resolve, reject) =>
      calls.push({ what, answer: (bytes) => resolve(value(bytes)), fail: reject }),
    );
  const disk: Disk = {
    bytes: BYTES,
    readOnly: false,
    read: (_position, length, take) => later("read", (bytes) => take(bytes ?? new Uint8Array(length))),
    write: () => later("write", () => undefined),
    zero: () => later("zero", () => undefined),
    flush: () => later("flush", () => undefined),
    resize() {},
    close() {},
  };
  return { disk, calls };
}

describe("answers that come later", () => {
  it("go back in the order in which they come, each with its own head", async () => {
    const { disk, calls } = heldDisk();
    const { offer, kick, settle, status, data, ring } = blkRig(disk);
    offer(0, { type: BLK_TYPE.IN, room: 512 });
    offer(1, { type: BLK_TYPE.IN, room: 512 });
    kick();
    calls[1]?.answer(pattern(512, 9));
    calls[0]?.answer(pattern(512, 5));
    await settle();
    expect(ring.takeUsed()).toEqual([
      { id: 4, length: 513 },
      { id: 0, length: 513 },
    ]);
    expect([status(0), status(1)]).toEqual([BLK_STATUS.OK, BLK_STATUS.OK]);
    expect([data(0, 512), data(1, 512)]).toEqual([pattern(512, 5), pattern(512, 9)]);
  });

  it("do not hold up requests that are kicked meanwhile", async () => {
    const { disk, calls } = heldDisk();
    const { offer, kick, ring } = blkRig(disk);
    offer(0, { type: BLK_TYPE.IN, room: 512 });
    kick();
    offer(1, { type: BLK_TYPE.GET_ID, room: 20 });
    kick();
    expect(ring.takeUsed()).toEqual([{ id: 4, length: 21 }]);
    expect(calls).toHaveLength(1);
  });

  it("that fail are IOERR and one log line", async () => {
    const { disk, calls } = heldDisk();
    const { offer, kick, settle, status, ring, logs } = blkRig(disk);
    offer(0, { type: BLK_TYPE.IN, sector: 8, room: 512 });
    kick();
    calls[0]?.fail(new Error("medium error"));
    await settle();
    expect([status(0), ring.takeUsed()]).toEqual([BLK_STATUS.IOERR, [{ id: 0, length: 1 }]]);
    expect(logs).toEqual(["00:04.0 fake: request type 0 at sector 8: medium error"]);
  });

  it("of writes from before a reset come first: what is asked afterwards waits for them", async () => {
    const { disk, calls } = heldDisk();
    const { restart, offer, kick, settle, status } = blkRig(disk);
    offer(0, { type: BLK_TYPE.OUT, data: pattern(512) });
    kick();
    restart();
    offer(1, { type: BLK_TYPE.OUT, data: pattern(512, 7) });
    kick();
    expect(calls).toHaveLength(1);
    calls[0]?.answer();
    await new Promise(setImmediate);
    expect(calls).toHaveLength(2);
    calls[1]?.answer();
    await settle();
    expect(status(1)).toBe(BLK_STATUS.OK);
  });

  it.each([
    ["a reset", (rig: ReturnType<typeof blkRig>) => rig.driver.write(LEGACY.status, 0)],
    ["the queue was taken down", (rig: ReturnType<typeof blkRig>) => rig.driver.write(LEGACY.queuePfn, 0)],
  ])("after %s leave data, status and ring alone", async (_what, end) => {
    const { disk, calls } = heldDisk();
    const rig = blkRig(disk);
    rig.offer(0, { type: BLK_TYPE.IN, room: 512 });
    rig.kick();
    end(rig);
    rig.driver.put(BUFFER_AT + 0x400, Uint8Array.of(0x55));
    calls[0]?.answer(pattern(512));
    await rig.settle();
    expect([rig.status(0), rig.ring.usedIndex]).toEqual([0x55, 0]);
    expect(rig.data(0, 512)).toEqual(new Uint8Array(512));
    expect(rig.takeInterrupts()).toEqual({ vectors: [], lines: [] });
  });

  it("of a driver without FLUSH come only when the write is durable", async () => {
    const { disk, calls } = heldDisk();
    const { offer, kick, settle, ring } = blkRig(disk, { flush: false });
    offer(0, { type: BLK_TYPE.OUT, data: pattern(512) });
    kick();
    calls[0]?.answer();
    while (calls.length < 2) await new Promise(setImmediate);
    expect([calls[1]?.what, ring.usedIndex]).toEqual(["flush", 0]);
    calls[1]?.answer();
    await settle();
    expect(ring.usedIndex).toBe(1);
  });
});

describe("file disk", () => {
  it("holds in the file what was written, at its place", async () => {
    const path = join(directory, "place.img");
    await writeFile(path, new Uint8Array(BYTES));
    const { request, host } = blkRig(await openFileDisk(path, false));
    await request({ type: BLK_TYPE.OUT, sector: 2, data: pattern(512) });
    await host.close();
    const content = await readFile(path);
    expect(new Uint8Array(content.subarray(1024, 1536))).toEqual(pattern(512));
    expect(content.subarray(0, 1024).every((byte) => byte === 0)).toBe(true);
  });

  it("that shrank under the machine answers IOERR and says where it ended", async () => {
    const path = join(directory, "shrunk.img");
    await writeFile(path, new Uint8Array(BYTES));
    const { request, logs, host } = blkRig(await openFileDisk(path, false));
    await writeFile(path, new Uint8Array(512));
    expect((await request({ type: BLK_TYPE.IN, sector: 0, room: 1024 })).status).toBe(BLK_STATUS.IOERR);
    expect(logs).toEqual(["00:04.0 fake: request type 0 at sector 0: end of file at 512"]);
    await host.close();
  });
});
