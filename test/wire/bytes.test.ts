import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { getU16, getU32, getU64, putU16, putU32, putU64 } from "../../src/wire/bytes.ts";

const at = fc.nat(8);

describe("little-endian fields", () => {
  it.each([
    ["u16", 2, getU16, putU16, 0xffff],
    ["u32", 4, getU32, putU32, 0xffff_ffff],
    ["u64", 8, getU64, putU64, 2 ** 53 - 1],
  ] as const)("%s round-trips at any offset and touches its own bytes only", (_, length, get, put, max) => {
    fc.assert(
      fc.property(at, fc.integer({ min: 0, max }), (at, value) => {
        const bytes = new Uint8Array(16).fill(0xa5);
        put(bytes, at, value);
        expect(get(bytes, at)).toBe(value);
        const outside = bytes.filter((_, index) => index < at || index >= at + length);
        expect(outside.every((byte) => byte === 0xa5)).toBe(true);
      }),
    );
  });

  it("put the low byte first", () => {
    const bytes = new Uint8Array(8);
    putU64(bytes, 0, 0x0001_0203_0405_0607);
    expect([...bytes]).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
  });
});
