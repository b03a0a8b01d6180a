import { describe, expect, it } from "vitest";
import { SCRATCH } from "../../../src/stress/episode/random-device.ts";
import { runEpisode } from "../../../src/stress/episode/run-episode.ts";
import { type Episode, episode } from "../../../src/stress/episode/swarm.ts";
import { FLAKY_DISK } from "../../../src/stress/modules.ts";

const quiet = { reset: 0, rebind: 0, suspend: 0, mask: 0, starve: 0, pressure: 0, clock: 0, traffic: 0 };
const alone = { unplug: 0, pull: 0, change: 0, "kill host": 0, "kill guest": 0 };

describe("an episode with a function that has no MSI-X", () => {
  it("is no finding: there is nothing to mask", async () => {
    const report = await runEpisode({
      ...episode(1),
      actions: 6,
      plants: {},
      weights: { ...quiet, mask: 1 },
      deeds: alone,
      devices: [{ type: "rng", slot: 4 }],
      machine: { memory: "4M", devices: [{ type: "rng", slot: 4, vectors: 0 }] },
    });
    expect(report.finding).toBeNull();
    expect(report.byAction).toEqual({ mask: 6 });
  });
});

describe("an episode whose workers die", () => {
  const disk = { type: "blk", slot: 4, options: { file: SCRATCH } };
  const dying = (deeds: Partial<typeof alone>): Episode => ({
    ...episode(2),
    flaky: false,
    actions: 60,
    plants: {},
    weights: { ...quiet, traffic: 4, starve: 1 },
    deeds: { ...alone, ...deeds },
    devices: [{ type: "blk", slot: 4 }],
    machine: { memory: "8M", devices: [disk] },
  });

  it("has everything that was written in its file: the host's, again and again", async () => {
    const report = await runEpisode(dying({ "kill host": 1 }));
    expect(report.finding).toBeNull();
    expect(report.byAction["kill host"]).toBeGreaterThan(0);
  });

  it("has everything that was written in its file: the guest's, once", async () => {
    const report = await runEpisode(dying({ "kill guest": 1 }));
    expect(report).toMatchObject({ finding: null, byAction: { "kill guest": 1 } });
  });
});

describe("rings whose indices start before their wrap", () => {
  it("serve as any other, with and without event index", async () => {
    for (const eventIndex of [true, false]) {
      const chosen = episode(3);
      const report = await runEpisode({
        ...chosen,
        actions: 40,
        flaky: false,
        plants: { ringStart: 0xfffa },
        weights: { ...quiet, traffic: 4, reset: 1 },
        deeds: alone,
        devices: [
          { type: "blk", slot: 4 },
          { type: "net", slot: 5 },
        ],
        machine: {
          memory: "8M",
          eventIndex,
          devices: [
            { type: "blk", slot: 4, queueSize: 8, options: { file: SCRATCH } },
            { type: "net", slot: 5, queueSize: 16, options: { backend: "loop" } },
          ],
        },
      });
      expect(report.finding).toBeNull();
      expect(report.bytesVerified).toBeGreaterThan(0);
    }
  });
});

describe("a back-end that fails, is late and does less", () => {
  it("is an error to the driver, and no finding where errors are asked for", async () => {
    const options = { file: SCRATCH, eio: 200, enospc: 200, short: 500, late: 300, never: 30 };
    const disk = { type: FLAKY_DISK, slot: 4, options };
    const report = await runEpisode({
      ...episode(4),
      actions: 30,
      flaky: true,
      plants: {},
      weights: { ...quiet, traffic: 1 },
      deeds: alone,
      devices: [{ type: "blk", slot: 4 }],
      machine: { memory: "8M", devices: [disk] },
    });
    expect(report.finding).toBeNull();
  });
});
