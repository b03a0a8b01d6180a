import { afterEach, describe, expect, test } from "vitest";
import { Hunter } from "../../src/hunt/hunter.ts";
import { findScenario } from "../../src/hunt/load.ts";
import { replayInput } from "../../src/hunt/replay-line.ts";

const SECONDS_MAX = 60_000;
let hunter: Hunter | undefined;

afterEach(async () => {
  await hunter?.close();
  hunter = undefined;
});

const start = async (scenario: string, defect?: string): Promise<Hunter> => {
  hunter = await Hunter.start({ scenario: findScenario(scenario), defect });
  return hunter;
};

describe("hunter", () => {
  test.each(["flags", "event-index", "line", "delayed"])(
    "the correct code of scenario %s is quiet",
    async (name) => {
      const subject = await start(name);
      const batch = await subject.run({ policy: "portfolio", count: 300, seed: 5 });
      expect(batch.findings).toEqual([]);
      expect(batch.executions).toBe(300);
    },
    SECONDS_MAX,
  );

  test(
    "the same schedules make the same accesses",
    async () => {
      const subject = await start("event-index");
      const hashes: number[] = [];
      for (let round = 0; round < 2; round++) {
        for (let first = 0; first < 20; first++) {
          hashes.push((await subject.run({ policy: "random", count: 1, first, seed: 9 })).hash);
        }
      }
      expect(hashes.slice(20)).toEqual(hashes.slice(0, 20));
      expect(new Set(hashes).size).toBeGreaterThan(10);
    },
    SECONDS_MAX,
  );

  test(
    "a missing second look is found, and both replays repeat it exactly",
    async () => {
      const subject = await start("flags", "R33");
      const batch = await subject.run({ policy: "pct2", count: 5000, seed: 1 });
      expect(batch.findings[0]?.oracle).toBe("O1 quiescence");
      const byLog = await subject.record("log", batch.log);
      expect(byLog.hash).toBe(batch.hash);
      const bySwitches = await subject.record(
        "switches",
        replayInput({ draws: byLog.draws, switches: byLog.switches }),
      );
      expect(bySwitches.hash).toBe(batch.hash);
      expect(bySwitches.findings[0]?.oracle).toBe("O1 quiescence");
    },
    SECONDS_MAX,
  );

  test(
    "depth-first search finds it with one preemption or none, and ends",
    async () => {
      const subject = await start("flags", "R33");
      const batch = await subject.run({ policy: "dfs", count: 5000 });
      expect(batch.findings[0]?.oracle).toBe("O1 quiescence");
      const recording = await subject.record("log", batch.log);
      expect(recording.switches.length).toBeLessThanOrEqual(3);
    },
    SECONDS_MAX,
  );
});
