import { describe, expect, it } from "vitest";
import { episode } from "../../../src/stress/episode/swarm.ts";

describe("an episode", () => {
  it("follows from its seed", () => {
    expect(episode(7)).toEqual(episode(7));
    expect(episode(7)).not.toEqual(episode(8));
  });

  it("uses only what it is told to, and switches some actions off", () => {
    const episodes = Array.from({ length: 200 }, (_, seed) => episode(seed, { only: ["rng"] }));
    expect(new Set(episodes.flatMap(({ devices }) => devices.map(({ type }) => type)))).toEqual(
      new Set(["rng"]),
    );
    expect(episodes.some(({ weights }) => weights.reset === 0 && weights.rebind > 0)).toBe(true);
    expect(
      episodes.some(({ machine }) => machine.devices?.some(({ queueSize }) => queueSize === 32768)),
    ).toBe(true);
  });
});
