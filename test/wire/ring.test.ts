import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isQueueSize, MAX_QUEUE_SIZE, needEvent, ringLayout } from "../../src/wire/ring.ts";

/** Queue size, available ring, used ring, bytes: the table of the legacy layout. */
const LEGACY_LAYOUT = [
  ...[1, 2, 4, 8, 16, 32, 64].map((size) => [size, 16 * size, 4096, 8192] as const),
  [128, 2048, 4096, 8192],
  [256, 4096, 8192, 12288],
  [512, 8192, 12288, 20480],
  [1024, 16384, 20480, 32768],
  [2048, 32768, 40960, 61440],
  [4096, 65536, 77824, 114688],
  [32768, 524288, 593920, 860160],
] as const;

describe("ringLayout", () => {
  it.each(LEGACY_LAYOUT)("size %i: avail at %i, used at %i, %i bytes", (size, avail, used, bytes) => {
    expect(ringLayout(size)).toEqual({
      size,
      descriptors: 0,
      availFlags: avail,
      availIndex: avail + 2,
      availRing: avail + 4,
      usedEvent: avail + 4 + 2 * size,
      usedFlags: used,
      usedIndex: used + 2,
      usedRing: used + 4,
      availEvent: used + 4 + 8 * size,
      bytes,
    });
  });

  it("keeps the parts apart and naturally aligned at every size and alignment", () => {
    const size = fc.integer({ min: 0, max: 15 }).map((power) => 2 ** power);
    const align = fc.constantFrom(4, 64, 4096, 65536);
    fc.assert(
      fc.property(size, align, (size, align) => {
        const layout = ringLayout(size, align);
        const edges = [
          layout.descriptors,
          layout.descriptors + 16 * size,
          layout.availFlags,
          layout.usedEvent,
          layout.usedEvent + 2,
          layout.usedFlags,
          layout.availEvent,
          layout.availEvent + 2,
          layout.bytes,
        ];
        expect(edges).toEqual([...edges].sort((a, b) => a - b));
        expect([layout.usedFlags % align, layout.bytes % align, layout.usedRing % 4]).toEqual([0, 0, 0]);
      }),
    );
  });
});

describe("isQueueSize", () => {
  it.each([1, 2, 4, 256, 1024, MAX_QUEUE_SIZE])("%i is one", (size) => {
    expect(isQueueSize(size)).toBe(true);
  });
  it.each([0, -1, -4, 3, 6, 1000, 1.5, 65536, 2 ** 32, 2 ** 32 + 1, Number.NaN])("%d is not", (size) => {
    expect(isQueueSize(size)).toBe(false);
  });
});

describe("needEvent", () => {
  /** Walks from `before` to `after` and says whether a step left `event` behind. */
  const walksPast = (event: number, after: number, before: number): boolean => {
    for (let index = before; index !== after; index = (index + 1) & 0xffff) if (index === event) return true;
    return false;
  };
  const u16 = fc.integer({ min: 0, max: 0xffff });

  it("is true exactly when the index walks past the event", () => {
    const steps = fc.oneof(fc.integer({ min: 0, max: 300 }), u16);
    const near = fc.oneof(fc.integer({ min: -4, max: 310 }), u16);
    fc.assert(
      fc.property(u16, steps, near, (before, steps, distance) => {
        const after = (before + steps) & 0xffff;
        const event = (before + distance) & 0xffff;
        expect(needEvent(event, after, before)).toBe(walksPast(event, after, before));
      }),
      { numRuns: 2000 },
    );
  });

  it("is false when nothing moved, whatever the event", () => {
    fc.assert(fc.property(u16, u16, (event, index) => !needEvent(event, index, index)));
  });
});
