import { expect, test } from "vitest";
import { seconds, seedNumber, wholeNumber } from "../../src/cli/numbers.ts";

test.each(["", "-1", "1.5", "0x10", "1e3", " 1", "Infinity", "9007199254740992", true])(
  "%j is no whole number",
  (value) => {
    expect(() => wholeNumber("--n", value)).toThrow(`--n: expected a whole number, got "${value}"`);
  },
);

test("limits are said, and can be reached", () => {
  expect([wholeNumber("--n", "3", 3, 5), wholeNumber("--n", "5", 3, 5)]).toEqual([3, 5]);
  expect(() => wholeNumber("--n", "6", 3, 5)).toThrow('--n: expected a whole number from 3 to 5, got "6"');
  expect(() => wholeNumber("--n", "2", 3)).toThrow('--n: expected a whole number from 3 on, got "2"');
  expect(seedNumber("--seed", "4294967295")).toBe(2 ** 32 - 1);
  expect(() => seedNumber("--seed", "4294967296")).toThrow("from 0 to 4294967295");
});

test("a time may have fractions, and an end that a timer can hold", () => {
  expect([seconds("--seconds", "0.25"), seconds("--seconds", "2147483")]).toEqual([0.25, 2_147_483]);
  for (const wrong of ["0", "-1", "Infinity", "0x10", "1e3", "2147484", "soon"])
    expect(() => seconds("--seconds", wrong)).toThrow(
      `--seconds: expected seconds, above 0 and up to 2147483, got "${wrong}"`,
    );
});
