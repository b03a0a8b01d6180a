import { afterEach, describe, expect, test } from "vitest";
import { type CampaignResult, EXECUTIONS_MAX, runCampaign } from "../../src/hunt/campaign.ts";
import { mergeReports, NO_FAILURE, parseReport, reportJson } from "../../src/hunt/campaign-report.ts";
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
  parseReport(JSON.stringify(reportJson({ ...NO_FAILURE, findings: [], campaigns })), "report");

const WRITTEN = {
  ...{ scenario: "flags", defect: null, policy: "random", seed: 1, shard: null, spurious: 0, from: 0 },
  ...{ schedules: 5, seconds: 1, accesses: 9, switches: 9, sitePairs: 9, exhausted: false },
  ...{ finding: null, log: [], next: 5 },
};
const QUIET = { ...NO_FAILURE, findings: [], campaigns: [WRITTEN] };
const reportOf = (changed: object): string =>
  JSON.stringify({ ...QUIET, campaigns: [{ ...WRITTEN, ...changed }] });

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
    // The number after its last one is no number.
    const first = { ...options, from: EXECUTIONS_MAX - 5, shard: { index: 0, of: 2 } };
    const whole = await runCampaign([ownLane(hunter)], first);
    expect(whole).toMatchObject({ schedules: 3, next: EXECUTIONS_MAX, shard: "1/2" });
    expect(report(whole).campaigns).toEqual([whole]);
  });

  test("is whole once the reports of all its parts are put together, and not before", async () => {
    hunter = await Hunter.start({ scenario: findScenario("flags") });
    const parts: CampaignResult[] = [];
    for (const index of [0, 1, 2]) {
      const options = { policy: "random", seconds: 60, schedules: 10 + index, shard: { index, of: 3 } };
      parts.push(await runCampaign([ownLane(hunter)], options));
    }
    const merged = (...of: readonly CampaignResult[]) => mergeReports(of.map((each) => report(each)));
    const [first, second, third] = parts as [CampaignResult, CampaignResult, CampaignResult];
    const two = merged(third, first).campaigns;
    expect(two).toMatchObject([{ shard: "1/3,3/3", schedules: 22 }]);
    const all = merged(...two, second, first).campaigns;
    // From where on none of them has run any.
    expect(all).toMatchObject([{ shard: null, schedules: 43, next: 30 }]);
  });

  describe("in several runs", () => {
    type Run = Partial<CampaignResult>;
    const run = (from: number, next: number, rest: Run = {}): Run => ({ from, next, ...rest });
    const merged = (...runs: readonly Run[]) =>
      mergeReports(runs.map((each) => parseReport(reportOf({ ...each, schedules: 5 }), "report"))).campaigns;
    const [third, last] = [{ shard: "1/3" }, { shard: "3/3" }];

    test.each<[string, Run[], Run]>([
      ["that adjoin", [run(0, 5), run(5, 10)], run(0, 10)],
      ["that adjoin, the later one first", [run(5, 10), run(0, 5)], run(0, 10)],
      ["that overlap", [run(0, 5), run(3, 10), run(4, 6)], run(0, 10)],
      ["with a gap", [run(0, 5), run(6, 10)], run(0, 5)],
      ["of a shard", [run(0, 6, third), run(6, 12, third)], run(0, 12, third)],
      [
        "of two shards",
        [run(0, 6, third), run(0, 9, last), run(6, 12, third)],
        run(0, 9, { shard: "1/3,3/3" }),
      ],
      [
        "of all shards, and then of all at once",
        [run(0, 6, third), run(0, 6, last), run(0, 6, { shard: "2/3" }), run(6, 9)],
        run(0, 9, { shard: null }),
      ],
      ["of which a part is run again", [run(0, 9), run(0, 6, third)], run(0, 9, { shard: null })],
    ])("%s goes on where none is left out", (_, runs, expected) => {
      expect(merged(...runs)).toMatchObject([{ ...expected, schedules: 5 * runs.length }]);
    });

    test("with other spurious moves is another one", () => {
      expect(merged(run(0, 5), run(0, 7, { spurious: 2 }))).toMatchObject([
        { spurious: 0, schedules: 5, next: 5 },
        { spurious: 2, schedules: 5, next: 7 },
      ]);
    });
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

describe("what is no report is refused, with the place where it is none", () => {
  test("and what is one is not", () => {
    expect(parseReport(reportOf({}), "file.json").campaigns).toMatchObject(
      [WRITTEN].map(({ finding: _, ...rest }) => rest),
    );
  });

  test.each([
    ["", "expected JSON: "],
    ["[1]", "expected an object, got [1]"],
    ["{}", "findings: expected a list, got nothing"],
    ['{"findings":[{}],"campaigns":[]}', "findings[0].oracle: expected a string, got nothing"],
    [
      '{"findings":[],"campaigns":[{"scenario":"flags","seed":1,"next":5}]}',
      "campaigns[0].defect: expected null or a string, got nothing",
    ],
    [reportOf({ next: -5 }), "campaigns[0].next: expected a whole number from 0 to 2147483648, got -5"],
    [
      reportOf({ next: 99_999_999_999 }),
      "campaigns[0].next: expected a whole number from 0 to 2147483648, got 99999999999",
    ],
    [
      reportOf({ seed: 2 ** 32 }),
      "campaigns[0].seed: expected a whole number from 0 to 4294967295, got 4294967296",
    ],
    [reportOf({ shard: "3/2" }), 'campaigns[0].shard: expected null or parts such as "2/3", got "3/2"'],
    [reportOf({ spurious: -1 }), "campaigns[0].spurious: expected a whole number from 0 on, got -1"],
    [reportOf({ from: null }), "campaigns[0].from: expected a whole number from 0 to 2147483648, got null"],
    [reportOf({ seconds: "long" }), 'campaigns[0].seconds: expected a number from 0 on, got "long"'],
    [reportOf({ finding: 7 }), "campaigns[0].finding: expected null or an object, got 7"],
    [reportOf({ finding: {} }), "campaigns[0].finding.oracle: expected a string, got nothing"],
    [JSON.stringify({ ...QUIET, replay: 3 }), "replay: expected null or a string, got 3"],
  ])("%s", (text, why) => {
    expect(() => parseReport(text, "file.json")).toThrow(
      `file.json is not what virtlab hunt --json prints: ${why}`,
    );
  });
});
