import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alignUp, isPowerOfTwo, u16 } from "../../src/wire/numbers.ts";

describe("alignUp", () => {
  it("gives the smallest multiple that is not below the value, above 2^32 too", () => {
    const value = fc.oneof(fc.nat(100_000), fc.integer({ min: 0, max: 2 ** 48 }));
    const alignment = fc.integer({ min: 0, max: 16 }).map((power) => 2 ** power);
    fc.assert(
      fc.property(value, alignment, (value, alignment) => {
        const up = alignUp(value, alignment);
        expect(up % alignment).toBe(0);
        expect(up - value).toBeGreaterThanOrEqual(0);
        expect(up - value).toBeLessThan(alignment);
      }),
    );
  });
});

describe("isPowerOfTwo", () => {
  it("knows every power up to 2^52", () => {
    for (let power = 0; power <= 52; power++) expect(isPowerOfTwo(2 ** power), `2^${power}`).toBe(true);
  });
  it("refuses everything else, above 2^32 too", () => {
    const others = [0, -1, -2, 0.5, 3, 3 * 2 ** 32, 2 ** 32 + 1, 2 ** 32 + 2, 2 ** 53 - 1, Number.NaN];
    expect(others.filter(isPowerOfTwo)).toEqual([]);
  });
});

describe("u16", () => {
  it("wraps", () => {
    expect([u16(65535), u16(65536), u16(-1)]).toEqual([65535, 0, 65535]);
  });
});
