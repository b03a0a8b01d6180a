/** What every implementation of SharedMemory must do, and what those over a buffer must do besides. */
import { describe, expect, it } from "vitest";
import { allocateShared, type MemoryFactory } from "../../src/memory/attach.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";

const BYTES = 256;
const NOWHERE = 0;

/** `create` makes zeroed memory of so many bytes. */
export function sharedMemoryContract(name: string, create: (bytes: number) => SharedMemory): void {
  describe(`${name} as SharedMemory`, () => {
    const fresh = () => create(BYTES);

    it("says its length", () => {
      expect(fresh().byteLength).toBe(BYTES);
    });

    it("stores little-endian at every width, plain and atomic alike", () => {
      const memory = fresh();
      memory.write32(4, 0x8765_4321, NOWHERE);
      expect([4, 5, 6, 7].map((at) => memory.read8(at, NOWHERE))).toEqual([0x21, 0x43, 0x65, 0x87]);
      expect([memory.read16(4, NOWHERE), memory.load16(6, NOWHERE)]).toEqual([0x4321, 0x8765]);
      expect([memory.read32(4, NOWHERE), memory.load32(4, NOWHERE)]).toEqual([0x8765_4321, 0x8765_4321]);
      memory.write8(4, 0xff, NOWHERE);
      memory.write16(6, 0x1234, NOWHERE);
      expect(memory.load32(4, NOWHERE)).toBe(0x1234_43ff);
      memory.store16(4, 0xabcd, NOWHERE);
      memory.store32(8, 0xdead_beef, NOWHERE);
      expect([memory.read32(4, NOWHERE), memory.read32(8, NOWHERE)]).toEqual([0x1234_abcd, 0xdead_beef]);
    });

    it("truncates to the width, and values are unsigned", () => {
      const memory = fresh();
      memory.write8(0, -1, NOWHERE);
      memory.write16(2, 0x1_2345, NOWHERE);
      memory.store32(4, -2, NOWHERE);
      expect([memory.read8(0, NOWHERE), memory.read16(2, NOWHERE), memory.load32(4, NOWHERE)]).toEqual([
        0xff, 0x2345, 0xffff_fffe,
      ]);
    });

    it("returns the value before each read-modify-write, bit 31 included", () => {
      const memory = fresh();
      memory.store32(0, 0xffff_ffff, NOWHERE);
      expect(memory.add32(0, 2, NOWHERE)).toBe(0xffff_ffff);
      expect(memory.add32(0, -1, NOWHERE)).toBe(1);
      expect(memory.or32(0, 1 << 31, NOWHERE)).toBe(0);
      expect(memory.and32(0, ~1, NOWHERE)).toBe(0x8000_0000);
      expect(memory.exchange32(0, 7, NOWHERE)).toBe(0x8000_0000);
      expect(memory.load32(0, NOWHERE)).toBe(7);
    });

    it("moves bytes in and out, to the very end", () => {
      const memory = fresh();
      memory.writeBytes(BYTES - 4, Uint8Array.of(1, 2, 3, 4), NOWHERE);
      memory.fill(0, 2, 9, NOWHERE);
      memory.copyWithin(2, BYTES - 3, 3, NOWHERE);
      const read = new Uint8Array(6);
      memory.readBytes(0, read, NOWHERE);
      expect([...read]).toEqual([9, 9, 2, 3, 4, 0]);
    });

    it("copies overlapping ranges as if through a copy", () => {
      const memory = fresh();
      memory.writeBytes(0, Uint8Array.of(1, 2, 3, 4), NOWHERE);
      memory.copyWithin(1, 0, 4, NOWHERE);
      expect([0, 1, 2, 3, 4].map((at) => memory.read8(at, NOWHERE))).toEqual([1, 1, 2, 3, 4]);
    });

    it.each([
      ["past the end", BYTES - 3],
      ["before the start", -1],
      ["far away", 2 ** 40],
    ])("throws RangeError for bulk access %s and changes nothing", (_, offset) => {
      const memory = fresh();
      const bytes = Uint8Array.of(1, 2, 3, 4);
      expect(() => memory.readBytes(offset, bytes, NOWHERE)).toThrow(RangeError);
      expect(() => memory.writeBytes(offset, bytes, NOWHERE)).toThrow(RangeError);
      expect(() => memory.fill(offset, 4, 1, NOWHERE)).toThrow(RangeError);
      expect(() => memory.copyWithin(offset, 0, 4, NOWHERE)).toThrow(RangeError);
      expect(() => memory.copyWithin(0, offset, 4, NOWHERE)).toThrow(RangeError);
      const all = new Uint8Array(BYTES);
      memory.readBytes(0, all, NOWHERE);
      expect(all.every((byte) => byte === 0)).toBe(true);
    });
  });
}

export function bufferMemoryContract(name: string, create: MemoryFactory): void {
  sharedMemoryContract(name, (bytes) => create(allocateShared(bytes)));

  describe(`${name} as BufferMemory`, () => {
    const fresh = () => create(allocateShared(BYTES));

    it("keeps its buffer", () => {
      const buffer = allocateShared(BYTES);
      expect(create(buffer).buffer).toBe(buffer);
    });

    it("does not wait for a word that has moved on", () => {
      const memory = fresh();
      memory.store32(0, 0xffff_ffff, NOWHERE);
      expect(memory.wait32(0, 5, 10_000, NOWHERE)).toBe("not-equal");
      expect(memory.waitAsync32(0, 5, 10_000, NOWHERE)).toBe("not-equal");
    });

    it("times out, and takes bit 31 as part of the word", async () => {
      const memory = fresh();
      memory.store32(0, 0xffff_ffff, NOWHERE);
      expect(memory.wait32(0, 0xffff_ffff, 1, NOWHERE)).toBe("timed-out");
      expect(await memory.waitAsync32(0, 0xffff_ffff, 1, NOWHERE)).toBe("timed-out");
    });

    it("wakes every sleeper on the word and says how many there were", async () => {
      const memory = fresh();
      const sleepers = [1, 2, 3].map(() => memory.waitAsync32(8, 0, 10_000, NOWHERE));
      expect(memory.notify32(12, NOWHERE)).toBe(0);
      expect(memory.notify32(8, NOWHERE)).toBe(3);
      expect(await Promise.all(sleepers)).toEqual(["ok", "ok", "ok"]);
    });

    it("opens a window on exactly the bytes asked for", () => {
      const memory = fresh();
      const window = memory.window(16, 4, "write", NOWHERE);
      window.set([5, 6, 7, 8]);
      expect(window.length).toBe(4);
      expect(memory.read32(16, NOWHERE)).toBe(0x0807_0605);
    });

    it("opens no window outside the buffer", () => {
      const memory = fresh();
      for (const offset of [BYTES - 3, -1, 2 ** 40]) {
        expect(() => memory.window(offset, 4, "read", NOWHERE)).toThrow(RangeError);
      }
    });

    it("shows one thread's view to another view of the same bytes", () => {
      const buffer = allocateShared(BYTES);
      create(buffer).store32(32, 77, NOWHERE);
      expect(create(buffer).load32(32, NOWHERE)).toBe(77);
    });
  });
}
