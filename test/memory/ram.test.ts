import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allocateShared } from "../../src/memory/attach.ts";
import { LiveMemory } from "../../src/memory/live-memory.ts";
import { DEFAULT_RAM_BASE, Ram } from "../../src/memory/ram.ts";

const SIZE = 8192;
const ABOVE_4_GIB = 0x1_0000_0000 + 0x10_0000;
const ram = (base?: number) => new Ram(new LiveMemory(allocateShared(SIZE)), base);

describe.each([
  ["at the default base", DEFAULT_RAM_BASE],
  ["above 4 GiB", ABOVE_4_GIB],
])("Ram %s", (_, base) => {
  it.each([
    ["first byte", base, 1, 0],
    ["last byte", base + SIZE - 1, 1, SIZE - 1],
    ["everything", base, SIZE, 0],
    ["nothing, at the end", base + SIZE, 0, SIZE],
    ["one too many", base, SIZE + 1, -1],
    ["over the end", base + SIZE - 1, 2, -1],
    ["past the end", base + SIZE, 1, -1],
    ["before the start", base - 1, 1, -1],
    ["across the start", base - 1, 8, -1],
    ["an offset instead of an address", 0, 1, -1],
    ["the largest length", base, 0xffff_ffff, -1],
    ["the largest address", 2 ** 64, 0xffff_ffff, -1],
    ["no number", Number.NaN, 1, -1],
  ])("offsetOf: %s", (_, address, length, offset) => {
    expect(ram(base).offsetOf(address, length)).toBe(offset);
  });

  it("takes no address for another 2^32 away", () => {
    const there = ram(base);
    expect([there.offsetOf(base + 2 ** 32, 1), there.offsetOf(base - 2 ** 32, 1)]).toEqual([-1, -1]);
  });

  it("answers an offset exactly when every byte lies inside", () => {
    const there = ram(base);
    fc.assert(
      fc.property(fc.integer({ min: -10, max: SIZE + 10 }), fc.nat(SIZE + 20), (at, length) => {
        const inside = at >= 0 && at + length <= SIZE;
        expect(there.offsetOf(base + at, length)).toBe(inside ? at : -1);
      }),
    );
  });

  it("addressOf is the way back", () => {
    const there = ram(base);
    expect(there.offsetOf(there.addressOf(4096), 16)).toBe(4096);
  });
});
