import { describe, expect, it } from "vitest";
import { runCampaign } from "../../../src/stress/campaign/campaign.ts";
import { slopePerMinute } from "../../../src/stress/campaign/slope.ts";

describe("a campaign", () => {
  it("runs machines until the time is over, verifies their data and finds nothing", async () => {
    const report = await runCampaign({ seconds: 2, machines: 1, seed: 500 });
    expect(report.findings).toEqual([]);
    expect(report.machines).toBeGreaterThan(0);
    expect(report.bytesVerified).toBeGreaterThan(10_000);
  });
});

describe("a slope", () => {
  it("is the growth per unit, whatever the offset", () => {
    expect(slopePerMinute([0, 1, 2], [10, 13, 16])).toBeCloseTo(3);
    expect([slopePerMinute([1], [5]), slopePerMinute([1, 1], [5, 6])]).toEqual([0, 0]);
  });
});
