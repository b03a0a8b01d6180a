/** Each check, by the one conversation that breaks its statement. */
import { describe, expect, it } from "vitest";
import { CHECKED } from "../../src/monitor/monitor.ts";
import { blkCases } from "./blk.cases.ts";
import type { Case } from "./case.ts";
import { netCases } from "./net.cases.ts";
import { otherCases } from "./other.cases.ts";
import { ringCases } from "./rings.cases.ts";
import { Talk } from "./talk.ts";
import { transportCases } from "./transport.cases.ts";

const CASES: readonly Case[] = [...transportCases, ...ringCases, ...blkCases, ...netCases, ...otherCases];

function findingsOf({ type, options, play }: Case) {
  const talk = new Talk(type, options);
  play(talk);
  return talk.monitor.findings;
}

describe("the monitor", () => {
  it.each(CASES.map((each) => [each.id, each] as const))("finds %s broken, and no other MUST", (id, each) => {
    const found = findingsOf(each);
    const others = found.filter((finding) => finding.strength === "MUST" && finding.id !== id);
    expect(found.map((finding) => finding.id)).toContain(id);
    expect(others).toEqual([]);
  });

  it("has a test for each statement that it checks", () => {
    const tested = new Set(CASES.map(({ id }) => id));
    expect([...CHECKED].filter((id) => !tested.has(id))).toEqual([]);
  });
});
