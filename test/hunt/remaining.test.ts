import { expect, test } from "vitest";
import { Remaining } from "../../src/hunt/remaining.ts";

test("what is given back is taken again, and nothing twice", () => {
  const remaining = new Remaining(10);
  expect(remaining.take(5)).toEqual({ first: 10, count: 5 });
  expect(remaining.take(100)).toEqual({ first: 15, count: 100 });
  expect(remaining.next).toBe(115);
  remaining.giveBack({ first: 12, count: 3 });
  remaining.giveBack({ first: 15, count: 0 });
  expect(remaining.next).toBe(12);
  expect(remaining.take(2)).toEqual({ first: 12, count: 2 });
  expect(remaining.take(50)).toEqual({ first: 14, count: 1 });
  expect(remaining.take(50)).toEqual({ first: 115, count: 50 });
});
