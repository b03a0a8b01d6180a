import { describe, expect, test } from "vitest";
import { actorsOf } from "../../src/hunt/actors.ts";
import { Hunter } from "../../src/hunt/hunter.ts";
import { findScenario } from "../../src/hunt/load.ts";
import { formatReplay, parseReplay, replayInput } from "../../src/hunt/replay-line.ts";
import { shrink } from "../../src/hunt/shrink.ts";
import { withSpurious } from "../../src/hunt/spurious.ts";

const SECONDS_MAX = 60_000;
const MOST = 2;

const hunterOf = (name: string, defect?: string): Promise<Hunter> =>
  Hunter.start({ scenario: withSpurious(findScenario(name), MOST), defect });

describe("spurious notifications and wake-ups", () => {
  test("there are none unless asked for", () => {
    const scenario = findScenario("flags");
    expect(actorsOf(withSpurious(scenario, 0)).actors.map(({ name }) => name)).toEqual(
      actorsOf(scenario).actors.map(({ name }) => name),
    );
    expect(actorsOf(withSpurious(scenario, 1)).actors.map(({ name }) => name)).toEqual([
      ...actorsOf(scenario).actors.map(({ name }) => name),
      "spurious wake-up of guest",
      "spurious wake-up of host",
      "spurious kick",
      "spurious interrupt of guest",
    ]);
  });

  test.each(["flags", "line"])(
    "%s: the correct code copes, and no execution has more than it may",
    async (name) => {
      const hunter = await hunterOf(name);
      const { findings } = await hunter.run({ policy: "portfolio", count: 500 });
      expect(findings).toEqual([]);
      const { log } = await hunter.run({ policy: "random", seed: 3 });
      const { entries } = await hunter.record("log", log);
      expect(entries.filter((entry) => entry.type === "note" && entry.text === "spurious").length).toBe(MOST);
      await hunter.close();
    },
    SECONDS_MAX,
  );

  test(
    "a lost kick is found although others might come, and a line repeats what needed one",
    async () => {
      const lost = await hunterOf("flags", "R33");
      expect((await lost.run({ policy: "portfolio", count: 5000 })).findings[0]?.oracle).toBe(
        "O1 quiescence",
      );
      await lost.close();

      const hunter = await hunterOf("line", "R84");
      const { log, findings } = await hunter.run({ policy: "portfolio", count: 20_000 });
      expect(findings.length).toBe(1);
      const { draws, switches, recording } = await shrink(hunter, log);
      const about = { scenario: "line", defect: "R84", draws, switches, spurious: MOST };
      const parsed = parseReplay(formatReplay(about, hunter.actors));
      expect(parsed.spurious).toBe(MOST);
      expect((await hunter.record("switches", replayInput(parsed))).hash).toBe(recording.hash);
      expect(switches.length).toBeLessThanOrEqual(4);
      await hunter.close();
    },
    SECONDS_MAX,
  );
});
