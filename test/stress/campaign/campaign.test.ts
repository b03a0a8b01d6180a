import { describe, expect, it } from "vitest";
import { runCampaign } from "../../../src/stress/campaign/campaign.ts";
import { NO_DEFECT, runDefects } from "../../../src/stress/campaign/defect-campaign.ts";
import { slopePerMinute } from "../../../src/stress/campaign/slope.ts";

const LONG = 600;

describe("a campaign", () => {
  it("verifies what its machines move, and finds nothing", async () => {
    const report = await runCampaign({
      seconds: LONG,
      episodes: 2,
      machines: 1,
      seed: 5,
      wishes: { only: ["rng"] },
    });
    expect(report).toMatchObject({ findings: [], machines: 2 });
    expect(report.bytesVerified).toBeGreaterThan(10_000);
  });

  it("that is aborted ends the machines that run, and says what it has", async () => {
    const stop = new AbortController();
    const running = runCampaign({ seconds: LONG, machines: 1, seed: 5, signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    expect(await running).toMatchObject({ findings: [], machines: 1, actions: 0 });
  });
});

describe("a campaign of defects", () => {
  it("ends a machine that runs when its time is over, and tells what cannot be in one", async () => {
    const rows = await runDefects({ secondsEach: 1, lanes: 2, seed: 1, ids: ["R34", NO_DEFECT] });
    expect(rows.map(({ id, outcome, machines }) => [id, outcome, machines])).toEqual([
      [NO_DEFECT, "not found", 1],
      ["R34", "not in a live machine", 0],
    ]);
  });
});

describe("a slope", () => {
  it("is the growth per unit, whatever the offset", () => {
    expect(slopePerMinute([0, 1, 2], [10, 13, 16])).toBeCloseTo(3);
    expect([slopePerMinute([1], [5]), slopePerMinute([1, 1], [5, 6])]).toEqual([0, 0]);
  });
});
