/**
 * Failures of every planted defect: repeated exactly, ten times each, and shrunk to the same finding with few switches.
 * Long: only with VIRTLAB_FAILURES, how many failures in all (1000 takes about ten minutes); VIRTLAB_SHARD=i/n runs a part
 * of the defects.
 */
import { afterAll, describe, expect, test } from "vitest";
import { DEFECTS } from "../../src/hunt/defects/index.ts";
import { Hunter } from "../../src/hunt/hunter.ts";
import { findScenario } from "../../src/hunt/load.ts";
import { formatReplay, parseReplay, replayInput } from "../../src/hunt/replay-line.ts";
import { shrink } from "../../src/hunt/shrink.ts";

const WANTED = Number(process.env.VIRTLAB_FAILURES ?? 0);
const [SHARD = 1, SHARDS = 1] = (process.env.VIRTLAB_SHARD ?? "1/1").split("/").map(Number);
const REPLAYS = 10;
const MEDIAN_MAX = 4;
const SECONDS_MAX = 300_000;

const planted = DEFECTS.filter(({ replacements }) => replacements.length > 0);
const chosen = planted.filter((_, at) => at % SHARDS === SHARD - 1);
const EACH = Math.ceil(WANTED / planted.length);

describe.skipIf(WANTED === 0)("failures of planted defects", () => {
  const lengths: number[] = [];
  let failures = 0;

  test.each(chosen.map(({ id, scenarios }) => [id, scenarios[0] ?? ""] as const))(
    "%s in %s",
    async (defect, scenario) => {
      const hunter = await Hunter.start({ scenario: findScenario(scenario), defect });
      let first = 0;
      let shortest: readonly number[] | undefined;
      for (let failure = 0; failure < EACH; failure++) {
        const batch = await hunter.run({ policy: "portfolio", count: 200_000, seed: 11, first });
        first += batch.executions;
        expect(batch.findings.length).toBeGreaterThan(0);
        failures++;
        const byLog = await hunter.record("log", batch.log);
        const { draws, switches } = byLog;
        const input = replayInput(
          parseReplay(formatReplay({ scenario, defect, draws, switches }, hunter.actors)),
        );
        for (let replay = 0; replay < REPLAYS; replay++) {
          const again = await hunter.run({ policy: "switches" }, input);
          expect(again.hash).toBe(batch.hash);
          expect(again.findings.map(({ oracle, text }) => `${oracle}: ${text.split("\n")[0]}`)).toEqual(
            batch.findings.map(({ oracle, text }) => `${oracle}: ${text.split("\n")[0]}`),
          );
        }
        shortest ??= batch.log;
      }
      const oracle = (await hunter.record("log", shortest ?? [])).findings[0]?.oracle;
      const shrunk = await shrink(hunter, shortest ?? []);
      expect(shrunk.recording.findings[0]?.oracle).toBe(oracle);
      lengths.push(shrunk.switches.length);
      await hunter.close();
    },
    SECONDS_MAX,
  );

  test("the median shrunk failure has few switches", () => {
    const sorted = [...lengths].sort((a, b) => a - b);
    expect(sorted.length).toBe(chosen.length);
    expect(sorted[sorted.length >> 1]).toBeLessThanOrEqual(MEDIAN_MAX);
  });

  afterAll(() => {
    process.stderr.write(`${failures} failures; switches: ${lengths.join(" ")}\n`);
  });
});
