/** What a block device must do behind our driver, whoever made it. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BlkError, blk, CancelledError, type Disk } from "../../src/drivers/index.ts";
import { SECTOR_SIZE } from "../../src/wire/numbers.ts";
import { Random } from "../../src/wire/random.ts";
import { caseName, type RingCase } from "./matrix.ts";
import type { CreateRig, Rig } from "./rig.ts";

const SEED = 42;
const SECTORS = 2048;
const BYTES = SECTORS * SECTOR_SIZE;
const CHUNK_SECTORS = 32;
const IN_FLIGHT = 32;
const RESETS = 5;
const SERIAL = "foreign-1";
const devices = [{ type: "blk", options: { size: BYTES, seed: SEED, serial: SERIAL } }];

const sha256 = (...parts: Uint8Array[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");

function seeded(): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  new Random(SEED).fill(bytes);
  return bytes;
}

const pattern = (bytes: number, salt: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, index) => (index >>> 9) * 31 + index * 7 + salt);

const readAll = (disk: Disk): Promise<Uint8Array[]> =>
  Promise.all(
    Array.from({ length: SECTORS / CHUNK_SECTORS }, (_, chunk) =>
      disk.read(chunk * CHUNK_SECTORS, CHUNK_SECTORS),
    ),
  );

export function acceptBlk(create: CreateRig, ring: RingCase): void {
  describe(`blk (${caseName(ring)})`, () => {
    let rig: Rig;
    const disk = () => rig.guest.virtio.find(blk);
    beforeAll(async () => {
      rig = await create({ devices, ...ring });
      rig.guest.boot([blk]);
    });
    afterAll(() => rig?.close());

    it("binds as asked: interrupts, ring features, size", () => {
      const [device] = rig.guest.virtio.describe();
      expect(rig.log).toEqual([]);
      expect(device).toMatchObject({ driver: blk.name, ...ring });
      expect(disk().capacitySectors).toBe(SECTORS);
    });

    it("reads the whole disk with many requests in flight", async () => {
      expect(sha256(...(await rig.run(readAll(disk()))))).toBe(sha256(seeded()));
    });

    it("says who it is", async () => {
      expect(await rig.run(disk().id())).toBe(SERIAL);
    });

    it.each([
      ["a segment", BYTES],
      ["segments of 1000 bytes", 1000],
      ["segments of 512 bytes", SECTOR_SIZE],
    ])("finds again what it wrote and flushed, as %s", async (_, segmentBytes) => {
      const usual = disk().segmentBytes;
      disk().segmentBytes = segmentBytes;
      const data = pattern(24 * SECTOR_SIZE, segmentBytes);
      await rig.run(disk().write(100, data));
      await rig.run(disk().flush());
      expect(sha256(await rig.run(disk().read(100, 24)))).toBe(sha256(data));
      disk().segmentBytes = usual;
    });

    it("refuses what lies past the end, and goes on", async () => {
      await expect(rig.run(disk().read(SECTORS, 1))).rejects.toThrow(BlkError);
      await expect(rig.run(disk().write(SECTORS - 1, pattern(1024, 0)))).rejects.toThrow(BlkError);
      expect((await rig.run(disk().read(0, 1))).length).toBe(SECTOR_SIZE);
    });

    it("keeps every byte apart in a mix of reads and writes", async () => {
      const writes = Array.from({ length: IN_FLIGHT }, (_, index) =>
        disk().write(200 + 8 * index, pattern(8 * SECTOR_SIZE, index)),
      );
      await rig.run(Promise.all([...writes, ...Array.from({ length: IN_FLIGHT }, () => disk().read(0, 8))]));
      const found = await rig.run(
        Promise.all(Array.from({ length: IN_FLIGHT }, (_, index) => disk().read(200 + 8 * index, 8))),
      );
      expect(found.map((part) => sha256(part))).toEqual(
        Array.from({ length: IN_FLIGHT }, (_, index) => sha256(pattern(8 * SECTOR_SIZE, index))),
      );
    });

    it("is reset with requests in flight, left and taken again, time after time", async () => {
      const { guest } = rig;
      let cancelled = 0;
      for (let round = 0; round < RESETS; round++) {
        const reads = Array.from({ length: IN_FLIGHT }, (_, index) =>
          disk().read(index * CHUNK_SECTORS, CHUNK_SECTORS),
        );
        guest.virtio.unregisterDriver(blk);
        const ends = await rig.run(Promise.allSettled(reads));
        const reasons = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
        expect(reasons.filter((reason) => !(reason instanceof CancelledError))).toEqual([]);
        cancelled += reasons.length;
        expect(guest.memory.allocatedBytes).toBe(0);
        guest.virtio.registerDriver(blk);
        expect((await rig.run(disk().read(0, 1))).length).toBe(SECTOR_SIZE);
      }
      expect(cancelled).toBeGreaterThan(0);
    });

    it("unloads virtio-pci whole: no memory, handler or vector is left, and it loads again", async () => {
      const { guest } = rig;
      guest.shutdown();
      expect([guest.memory.allocatedBytes, guest.irq.handlerCount]).toEqual([0, 0]);
      guest.boot();
      expect((await rig.run(disk().read(0, 1))).length).toBe(SECTOR_SIZE);
    });

    it("tells of a new size", async () => {
      await rig.deviceCommand("blk", "resize", String(2 * BYTES));
      await rig.until("the new capacity", () => disk().capacitySectors === 2 * SECTORS);
      expect((await rig.run(disk().read(2 * SECTORS - 1, 1))).length).toBe(SECTOR_SIZE);
    });
  });
}
