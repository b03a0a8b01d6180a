import { expect, test } from "vitest";
import { UnderWay } from "../../src/machine/under-way.ts";

test("steps are told while they last, with how long, in the order in which they were begun", async () => {
  let now = 0;
  const underWay = new UnderWay(() => now);
  let end = () => {};
  const first = underWay.during("loading", () => new Promise<void>((resolve) => (end = resolve)));
  now = 7;
  const second = underWay.during("opening", () => new Promise<never>(() => {}));
  second.catch(() => undefined);
  now = 12;
  expect(underWay.describe()).toEqual(["loading, for 12 ms", "opening, for 5 ms"]);
  end();
  await first;
  expect(underWay.describe()).toEqual(["opening, for 5 ms"]);
});

test("a step that fails is none any more, and its error goes on", async () => {
  const underWay = new UnderWay();
  const failing = underWay.during("opening", () => Promise.reject(new Error("no such file")));
  await expect(failing).rejects.toThrow("no such file");
  expect(underWay.describe()).toEqual([]);
});
