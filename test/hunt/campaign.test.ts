import { afterEach, describe, expect, test } from "vitest";
import { type CampaignResult, EXECUTIONS_MAX, runCampaign } from "../../src/hunt/campaign.ts";
import { mergeReports, parseReport } from "../../src/hunt/campaign-report.ts";
import { Hunter, type HuntRequest } from "../../src/hunt/hunter.ts";
import { ownLane, withLanes } from "../../src/hunt/lanes.ts";
import { findScenario } from "../../src/hunt/load.ts";

const SECONDS_MAX = 60_000;
let hunter: Hunter | undefined;

afterEach(async () => {
  await hunter?.close();
  hunter = undefined;
});

const report = (...campaigns: readonly CampaignResult[]) =>
  parseReport(JSON.stringify({ findings: [], campaigns }), "report");

describe("a campaign", () => {
  test(
    "is stopped, goes on where it was, and its parts add up",
    async () => {
      hunter = await Hunter.start({ scenario: findScenario("flags") });
      const stop = new AbortController();
      const options = { policy: "random", seconds: Number.POSITIVE_INFINITY };
      const first = await runCampaign([ownLane(hunter)], options, () => stop.abort(), stop.signal);
      expect(first.schedules).toBeGreaterThan(0);
      expect(first.next).toBe(first.schedules);
      const second = await runCampaign([ownLane(hunter)], { ...options, from: first.next, schedules: 100 });
      expect(second.next).toBe(first.next + 100);
      const merged = mergeReports([report(first), report(second)]);
      expect(merged.campaigns).toHaveLength(1);
      expect(merged.campaigns[0]?.schedules).toBe(first.schedules + 100);
    },
    SECONDS_MAX,
  );

  test(
    "on two lanes runs each execution once, and says from where on none was run",
    async () => {
      hunter = await Hunter.start({ scenario: findScenario("flags") });
      await withLanes(2, async (pool) => {
        const run: number[] = [];
        const lanes = pool.lanes(hunter as Hunter).map((lane) => ({
          ...lane,
          async run(request: HuntRequest) {
            const batch = await lane.run(request);
            const { first = 0, stride = 1 } = request;
            for (let each = 0; each < batch.executions; each++) run.push(first + each * stride);
            return batch;
          },
        }));
        await lanes[1]?.ready();
        const shard = { index: 1, of: 3 };
        const options = { policy: "random", seconds: 60, schedules: 1100, from: 30, shard };
        const result = await runCampaign(lanes, options);
        expect(result.schedules).toBe(1100);
        expect(run.sort((a, b) => a - b)).toEqual(Array.from({ length: 1100 }, (_, at) => 31 + 3 * at));
        expect(result.next).toBe(30 + 3 * 1100);
      });
    },
    SECONDS_MAX,
  );

  test("ends with the numbers of its executions: beyond, they would repeat", async () => {
    hunter = await Hunter.start({ scenario: findScenario("flags") });
    const shard = { index: 1, of: 2 };
    const options = { policy: "random", seconds: 60, from: EXECUTIONS_MAX - 6, shard };
    const result = await runCampaign([ownLane(hunter)], options);
    expect(result).toMatchObject({ schedules: 3, next: EXECUTIONS_MAX });
  });

  test("that hunted elsewhere keeps its finding", async () => {
    hunter = await Hunter.start({ scenario: findScenario("flags"), defect: "R33" });
    const found = await runCampaign([ownLane(hunter)], { schedules: 5000, seconds: 60 });
    expect(found.finding?.oracle).toBe("O1 quiescence");
    const { finding: _, ...quiet } = { ...found, log: [] };
    const merged = mergeReports([report({ ...quiet, finding: undefined }), report(found)]);
    expect(merged.campaigns[0]).toMatchObject({ finding: found.finding, log: found.log });
  });
});

test.each(["", "{}", "[1]", '{"campaigns":[{"scenario":"flags"}]}'])("%j is no report", (text) => {
  expect(() => parseReport(text, "file.json")).toThrow("file.json is not what virtlab hunt --json prints");
});
