import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { policyTable, scoreTable } from "../../src/cli/score-tables.ts";
import { campaign } from "../../src/hunt/campaign.ts";
import { DEFECTS } from "../../src/hunt/defects/index.ts";
import { findDefect, findScenario } from "../../src/hunt/load.ts";
import { plantedWrong, type ScoreRow, scoreAll } from "../../src/hunt/scoreboard.ts";

const WRONG = fileURLToPath(new URL("defects/private-field.ts", import.meta.url));
const LONGEST_MS = 30_000;

test("a row has the same keys whether its defect has a note or not", async () => {
  const [noted, plain] = await scoreAll(
    [findDefect("R04"), findDefect("R33")],
    ["portfolio"],
    { schedules: 500 },
    { jobs: 1 },
  );
  expect(noted).toMatchObject({ killed: true, note: expect.stringContaining("missing barrier") });
  expect(plain).toMatchObject({ killed: true, note: null });
  expect(Object.keys(plain ?? {})).toEqual(Object.keys(noted ?? {}));
});

test(
  "no defect is planted wrong: none throws by itself in its first executions",
  async () => {
    const planted = DEFECTS.filter(({ replacements }) => replacements.length > 0);
    const few = { schedules: 8, seconds: Number.POSITIVE_INFINITY };
    const rows = await scoreAll(planted, ["portfolio"], few, { jobs: 1 });
    expect(rows).toHaveLength(planted.length);
    expect(rows.filter(({ broken }) => broken !== null)).toEqual([]);
  },
  LONGEST_MS,
);

describe("an exception", () => {
  test("that the defect's own code throws is known for one", async () => {
    const target = { scenario: findScenario("flags"), defect: "X1", file: WRONG };
    const { finding } = await campaign(target, { schedules: 50, seconds: Number.POSITIVE_INFINITY });
    expect(finding?.oracle).toBe("exception");
    expect(finding && plantedWrong(finding)).toMatch(/^TypeError: .*#looks/);
  });

  const at = (where: string): string => `    at DeviceQueue.push (file:///somewhere/src/${where}:9:5)`;
  const inDefect = at("hunt/defects/r33.ts");
  const inQueue = at("host/virtqueue/device-queue.ts");
  test.each([
    ["TypeError: number 5 is not iterable", ["    at new Map (<anonymous>)", inDefect]],
    [
      "TypeError: [object Array] is not an integer typed array.",
      ["    at Atomics.load (<anonymous>)", inDefect],
    ],
    [
      "TypeError [ERR_INVALID_ARG_TYPE]: it is a number",
      ["    at Function.from (node:buffer:322:9)", inDefect],
    ],
    ["RangeError: Maximum call stack size exceeded", [inDefect, "    at Array.map (<anonymous>)", inDefect]],
  ])("of a builtin that the defect's own code calls is its own, too: %s", (what, frames) => {
    expect(plantedWrong({ oracle: "exception", text: [what, ...frames].join("\n") })).toBe(what);
  });

  test.each([
    // What the defect brings about elsewhere is what it is planted for.
    ["exception", "TypeError: x is undefined", [inQueue, inDefect]],
    ["exception", "TypeError: x is undefined", ["    at Array.map (<anonymous>)", inQueue, inDefect]],
    ["exception", "Error: used.idx went back", [inDefect, inQueue]],
    ["exception", "RangeError: Maximum call stack size exceeded", [inQueue, inDefect]],
    ["exception", "RangeError: Invalid atomic access index", ["    at Atomics.load (<anonymous>)", inDefect]],
    ["O1 quiescence", "TypeError: x is undefined", [inDefect]],
  ])("of %s, %s, %j, is a finding like any other", (oracle, what, frames) => {
    expect(plantedWrong({ oracle, text: [what, ...frames].join("\n") })).toBeUndefined();
  });
});

test("a defect that is planted wrong is not killed in any table", () => {
  const row: ScoreRow = {
    ...{ id: "X1", name: "looks are counted", needs: "interleaving", killed: false, policy: "portfolio" },
    ...{ scenario: "flags", oracle: "exception", schedules: 1, seconds: 0.1, note: null },
    broken: "TypeError: no #looks",
  };
  expect(scoreTable([row])).toMatch(/^X1 .* BROKEN .*\n+X1 is planted wrong: TypeError: no #looks$/m);
  expect(policyTable([row], ["portfolio"])).toMatch(/^X1 +broken/m);
  expect(policyTable([row], ["portfolio"])).toMatch(/^killed +0/m);
});
