import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defectsText, faultText } from "../../../src/cli/stress-text.ts";
import { runCampaign } from "../../../src/stress/campaign/campaign.ts";
import { defectRow, NO_DEFECT, runDefects } from "../../../src/stress/campaign/defect-campaign.ts";
import { type EpisodePool, withEpisodePool } from "../../../src/stress/campaign/episode-pool.ts";
import { runFault } from "../../../src/stress/campaign/fault-campaign.ts";
import { slopePerMinute } from "../../../src/stress/campaign/slope.ts";
import { runEpisode } from "../../../src/stress/episode/run-episode.ts";
import { episode } from "../../../src/stress/episode/swarm.ts";

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
    expect(await running).toMatchObject({ findings: [], machines: 0, cutShort: 1, actions: 0 });
  });

  it("of faults as well", async () => {
    const stop = new AbortController();
    const report = await withEpisodePool(1, (pool) => {
      let begun = 0;
      const run: EpisodePool["run"] = (...episode) => {
        if (++begun === 2) stop.abort();
        return pool.run(...episode);
      };
      return runFault({ run }, "doubled-kick", { runs: 9, seed: 40, lanes: 1, signal: stop.signal });
    });
    expect(report).toMatchObject({ runs: 1, detected: 1, missed: [], cutShort: 1, failure: null });
    expect(faultText(40, report)).toContain("cut short: 1 machine\n");
  });
});

describe("a campaign that cannot go on", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "virtlab-test-"));
    vi.stubEnv("TMPDIR", folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  /** The pool's own among it. */
  const loseFiles = (): void => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  };
  const lost = { what: expect.stringMatching(/^ENOENT/), detail: expect.stringContaining("mkdtemp") };

  it("ends with what it has, and says what it was", async () => {
    const report = await runCampaign({
      ...{ seconds: LONG, machines: 1, seed: 5, wishes: { only: ["rng"] } },
      onProgress: ({ machines }) => void (machines === 1 && loseFiles()),
    });
    expect(report).toMatchObject({ findings: [], machines: 1, failure: { seed: 6, ...lost } });
    expect(report.bytesVerified).toBeGreaterThan(0);
  });

  it("of faults as well", async () => {
    const options = { runs: 3, seed: 40, lanes: 1, onProgress: loseFiles };
    const report = await withEpisodePool(1, (pool) => runFault(pool, "doubled-kick", options));
    expect(report).toMatchObject({ runs: 1, detected: 1, failure: { seed: 41, ...lost } });
  });

  it("of defects as well", async () => {
    const options = { secondsEach: LONG, lanes: 1, seed: 1, ids: ["R33", "R34"] };
    const report = await runDefects({ ...options, onProgress: loseFiles });
    expect(report).toMatchObject({ defects: [], failure: { seed: 1, ...lost } });
  });
});

describe("a campaign of defects", () => {
  it("ends a machine that runs when its time is over, and tells what cannot be in one", async () => {
    const { defects } = await runDefects({ secondsEach: 1, lanes: 2, seed: 1, ids: ["R34", NO_DEFECT] });
    expect(defects.map(({ id, outcome, machines }) => [id, outcome, machines])).toEqual([
      [NO_DEFECT, "not found", 1],
      ["R34", "not in a live machine", 0],
    ]);
  });

  it("does not find one whose own code throws", async () => {
    const prepare = { module: new URL("../own/planted-wrong.ts", import.meta.url).href, args: null };
    const chosen = episode(5, { only: ["rng"] });
    const { finding } = await runEpisode({
      ...{ ...chosen, plants: {} },
      machine: { ...chosen.machine, prepare },
    });
    const findings = finding === null ? [] : [{ seed: 5, ...finding }];
    const report = { findings, seconds: 1, machines: 1, cutShort: 0 };
    const row = defectRow({ id: "X1", name: "looks are counted" }, report);
    const what = expect.stringMatching(/^TypeError: .*#looks/);
    expect(row).toMatchObject({ id: "X1", outcome: "planted wrong", seconds: null, machines: 1, what });
    expect(defectsText({ defects: [row], failure: null })).toMatch(/verdict: 0 found, .*, 1 planted wrong$/);
    // Any other exception is something to have found.
    const thrown = findings.map((each) => ({ ...each, stack: "Error: used.idx went back" }));
    const found = { outcome: "found", seconds: 1, what: finding?.what };
    expect(defectRow({ id: "X1", name: "" }, { ...report, findings: thrown })).toMatchObject(found);
  });
});

describe("a slope", () => {
  it("is the growth per unit, whatever the offset", () => {
    expect(slopePerMinute([0, 1, 2], [10, 13, 16])).toBeCloseTo(3);
    expect([slopePerMinute([1], [5]), slopePerMinute([1, 1], [5, 6])]).toEqual([0, 0]);
  });
});
