import { expect, test } from "vitest";
import { isSeed, Random, SEED_MAX, seedAfter } from "../../src/wire/random.ts";

test("seeds end where a number would give the bytes of a smaller one", () => {
  const first = (seed: number): number => new Random(seed).next();
  expect(first(SEED_MAX + 1)).toBe(first(0));
  expect(first(SEED_MAX)).not.toBe(first(0));
  expect([0, SEED_MAX, SEED_MAX + 1, -1, 0.5, Number.NaN].map(isSeed)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test("seeds that are counted up stay seeds", () => {
  expect([0, 1, 2].map((count) => seedAfter(SEED_MAX - 1, count))).toEqual([SEED_MAX - 1, SEED_MAX, 0]);
});
