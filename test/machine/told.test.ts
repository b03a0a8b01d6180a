/** What a host told counts, whether or not it can say it again. */
import { expect, test } from "vitest";
import { Told } from "../../src/machine/told.ts";
import type { Finding } from "../../src/monitor/monitor.ts";

const violation = {
  kind: "request-format",
  device: "00:04.0 blk",
  queue: 0,
  detail: "a header of 3 bytes",
} as const;
const finding: Finding = {
  id: "RNG-DEV-01",
  strength: "MUST",
  device: "00:05.0",
  queue: 0,
  detail: "nothing",
  count: 1,
  tolerated: null,
};

test("a host that cannot be asked has what it told", () => {
  const told = new Told();
  expect(told.with(null)).toEqual({ violations: [], findings: null });
  told.hear({ kind: "violation", violation });
  expect(told.with(null)).toEqual({ violations: [{ ...violation, count: 1 }], findings: null });
  told.hear({ kind: "finding", finding });
  expect(told.with(null).findings).toEqual([finding]);
});

test("one that can says how often; two that found the same are one row", () => {
  const told = new Told();
  for (let host = 0; host < 2; host++) {
    told.hear({ kind: "violation", violation });
    told.hear({ kind: "finding", finding });
  }
  const host = { violations: [{ ...violation, count: 7 }], findings: [{ ...finding, count: 5 }] };
  expect(told.with(host)).toEqual(host);
  expect(told.with({ violations: [], findings: [] })).toEqual({
    violations: [{ ...violation, count: 1 }],
    findings: [finding],
  });
});
