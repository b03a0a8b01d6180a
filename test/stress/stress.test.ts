import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { junit } from "../../src/cli/junit.ts";
import { runCampaign } from "../../src/stress/campaign.ts";
import { runEpisode } from "../../src/stress/run-episode.ts";
import { slopePerMinute } from "../../src/stress/slope.ts";
import { episode } from "../../src/stress/swarm.ts";
import { cli } from "../support/cli.ts";

describe("an episode", () => {
  it("follows from its seed", () => {
    expect(episode(7)).toEqual(episode(7));
    expect(episode(7)).not.toEqual(episode(8));
  });

  it("uses only what it is told to, and switches some actions off", () => {
    const episodes = Array.from({ length: 200 }, (_, seed) => episode(seed, ["rng"]));
    expect(new Set(episodes.flatMap(({ devices }) => devices.map(({ type }) => type)))).toEqual(
      new Set(["rng"]),
    );
    expect(episodes.some(({ weights }) => weights.reset === 0 && weights.rebind > 0)).toBe(true);
    expect(
      episodes.some(({ machine }) => machine.devices?.some(({ queueSize }) => queueSize === 32768)),
    ).toBe(true);
  });
});

describe("a campaign", () => {
  it("runs machines until the time is over, verifies their data and finds nothing", async () => {
    const report = await runCampaign({ seconds: 6, machines: 1, seed: 500 });
    expect(report.findings).toEqual([]);
    expect(report.machines).toBeGreaterThan(0);
    expect(report.bytesVerified).toBeGreaterThan(10_000);
  });
});

describe("an episode with a function that has no MSI-X", () => {
  it("is no finding: there is nothing to mask", async () => {
    const vectors = 0;
    const report = await runEpisode({
      seed: 1,
      actions: 6,
      weights: { traffic: 0, reset: 0, rebind: 0, suspend: 0, mask: 1, starve: 0 },
      devices: [{ type: "rng", slot: 4 }],
      machine: { memory: "4M", devices: [{ type: "rng", slot: 4, vectors }] },
    });
    expect(report.finding).toBeNull();
    expect(report.result?.byAction).toEqual({ mask: 6 });
  });
});

describe("virtlab stress", () => {
  it("prints stable keys", async () => {
    const { code, stdout } = await cli(
      "stress",
      "--seconds",
      "1",
      "--machines",
      "1",
      "--seed",
      "3",
      "--json",
    );
    const keys = ["findings", "machines", "actions", "bytesVerified", "resets", "heapSlope", "handleSlope"];
    expect(Object.keys(JSON.parse(stdout))).toEqual(expect.arrayContaining(keys));
    expect(code).toBe(0);
  });

  it.each([
    [["--only", "blk,flppy"], "expected one of blk, rng, net, console"],
    [["--junit", fileURLToPath(new URL(".", import.meta.url))], "cannot be written"],
    [["--machines", "0"], "expected at least 1"],
    [["--seconds", "soon"], 'expected a whole number, got "soon"'],
  ])("refuses %j: exit code 2", async (args, message) => {
    const { code, stderr } = await cli("stress", ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe("JUnit", () => {
  it("names each finding, escaped", () => {
    const xml = junit({
      findings: [{ seed: 5, what: 'a < "b"', detail: "x & y\u0007" }],
      seconds: 1,
      machines: 3,
      actions: 0,
      bytesVerified: 0,
      resets: 0,
      byAction: {},
      kicks: 0,
      interrupts: 0,
      heapSlope: 0,
      handleSlope: 0,
    });
    expect(xml).toContain('<failure message="a &lt; &quot;b&quot;">x &amp; y?</failure>');
    expect(xml).toContain('failures="1"');
  });
});

describe("a slope", () => {
  it("is the growth per unit, whatever the offset", () => {
    expect(slopePerMinute([0, 1, 2], [10, 13, 16])).toBeCloseTo(3);
    expect([slopePerMinute([1], [5]), slopePerMinute([1, 1], [5, 6])]).toEqual([0, 0]);
  });
});
