/** A user's own device and driver: stressed like the shipped ones, found out when they are wrong. */
import { describe, expect, it } from "vitest";
import { checkOwn } from "../../../src/stress/episode/own-check.ts";
import { type EpisodeReport, runEpisode } from "../../../src/stress/episode/run-episode.ts";
import { episode, type Own } from "../../../src/stress/episode/swarm.ts";

const own = (device: string, driver = "upper-driver"): Own => ({
  device: new URL(`../own/${device}.ts`, import.meta.url).href,
  driver: new URL(`../own/${driver}.ts`, import.meta.url).href,
});

/** Traffic, and nobody who takes a device out of its misery by a reset. */
async function firstFinding(wishes: Own): Promise<EpisodeReport | undefined> {
  for (let seed = 1; seed <= 5; seed++) {
    const { deeds, weights, ...chosen } = episode(seed, { own: wishes, deadlines: { stallMs: 1500 } });
    const report = await runEpisode({
      ...chosen,
      actions: 40,
      deeds: { ...deeds, unplug: 0, pull: 0, "kill host": 0, "kill guest": 0 },
      weights: { ...weights, reset: 0, rebind: 0, suspend: 0 },
    });
    if (report.finding !== null) return report;
  }
  return undefined;
}

describe("a user's device and driver", () => {
  it("are stressed, and nothing is found where nothing is wrong", async () => {
    await checkOwn(own("upper-device"));
    const report = await runEpisode({ ...episode(11, { own: own("upper-device") }), actions: 30 });
    expect(report.finding).toBeNull();
    expect(report.bytesVerified).toBeGreaterThan(0);
  });

  it("with a mistake are found out, and what waits is said", async () => {
    const report = await firstFinding(own("forgetful-device"));
    expect(report?.finding?.what).toContain("the device did not look again");
  });

  it("that throw in a handler are a finding of one line", async () => {
    const report = await firstFinding(own("throwing-device"));
    expect(report?.finding?.what).toBe("crashed: the host worker ended: not what I expected");
  });
});

describe("modules that cannot be used are refused in a line", () => {
  it.each([
    ["create() that returns null", own("null-device"), "expected create() to return a model"],
    ["a driver without stress", own("upper-device", "upper-device"), "export default defineDriver"],
    ["no such file", own("nowhere"), "cannot be loaded"],
    ["a device that no driver takes", { device: own("upper-device").device ?? "" }, "virtio id 42"],
  ])("%s", async (_what, modules, message) => {
    await expect(checkOwn(modules)).rejects.toThrow(message);
  });
});
