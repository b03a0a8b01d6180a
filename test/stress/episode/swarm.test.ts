import { describe, expect, it } from "vitest";
import { INTERRUPT_MODES } from "../../../src/machine/description.ts";
import { choose, episode } from "../../../src/stress/episode/swarm.ts";
import { Random } from "../../../src/wire/random.ts";

const EPISODES = Array.from({ length: 1000 }, (_, seed) => episode(seed));
const machines = EPISODES.map(({ machine }) => machine);
const devices = machines.flatMap((machine) => machine.devices ?? []);
const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];
const ascending = (values: readonly (number | undefined)[]): number[] =>
  distinct(values.map((value) => value ?? 0)).sort((a, b) => a - b);
const option = (name: string) => distinct(devices.map(({ options }) => options?.[name]));

describe("an episode", () => {
  it("follows from its seed", () => {
    expect(episode(7)).toEqual(episode(7));
    expect(episode(7)).not.toEqual(episode(8));
  });

  it("uses only what it is told to", () => {
    const only = Array.from({ length: 50 }, (_, seed) => episode(seed, { only: ["rng"] }));
    expect(distinct(only.flatMap((each) => each.devices.map(({ type }) => type)))).toEqual(["rng"]);
  });

  it("switches some actions off", () => {
    expect(EPISODES.some(({ weights }) => weights.reset === 0 && weights.rebind > 0)).toBe(true);
    expect(EPISODES.every(({ weights }) => weights.traffic > 0)).toBe(true);
    expect(EPISODES.some(({ deeds }) => deeds.pull === 0 && deeds["kill host"] > 0)).toBe(true);
  });
});

describe("random machines", () => {
  it("have every kind of device, one to four of them, on lines of their own or on one", () => {
    expect(ascending(EPISODES.map((each) => each.devices.length))).toEqual([1, 2, 3, 4]);
    expect(distinct(EPISODES.flatMap((each) => each.devices.map(({ type }) => type)))).toHaveLength(5);
    expect(EPISODES.some((each) => each.devices[1]?.slot === 8)).toBe(true);
  });

  it("have queues of every size from 1 to 32768", () => {
    const sizes = Array.from({ length: 16 }, (_, exponent) => 2 ** exponent);
    expect(ascending(devices.map(({ queueSize }) => queueSize))).toEqual(sizes);
  });

  it("have every interrupt tier, too few vectors, one to four CPUs and up to two I/O threads", () => {
    expect(distinct(machines.map(({ interrupts }) => interrupts)).sort()).toEqual(
      [...INTERRUPT_MODES].sort(),
    );
    expect(ascending(devices.flatMap(({ vectors }) => vectors ?? []))).toEqual([0, 1, 2, 3]);
    expect(ascending(machines.map(({ cpus }) => cpus))).toEqual([1, 2, 3, 4]);
    expect(ascending(machines.map(({ ioThreads }) => ioThreads))).toEqual([0, 1, 2]);
  });

  it("negotiate what their devices offer, or do not", () => {
    for (const name of ["mergeable", "segmentation", "checksum", "control", "discard", "write-zeroes"])
      expect(option(name)).toEqual(expect.arrayContaining([true, false]));
    expect(option("cache")).toEqual(expect.arrayContaining(["writeback", "writethrough"]));
    expect(ascending(devices.flatMap(({ options }) => Number(options?.queues ?? [])))).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(option("ports").length).toBeGreaterThan(3);
  });

  it("have rings that start anywhere, mostly before a wrap, and host threads that are kept from running", () => {
    const starts = EPISODES.flatMap(({ plants }) => plants.ringStart ?? []);
    const justBefore = (wrap: number) => starts.filter((start) => start > wrap - 64 && start <= wrap).length;
    expect(justBefore(0x1_0000)).toBeGreaterThan(starts.length / 5);
    expect(justBefore(0x8000)).toBeGreaterThan(starts.length / 5);
    expect(starts.length - justBefore(0x1_0000) - justBefore(0x8000)).toBeGreaterThan(starts.length / 5);
    expect(distinct(EPISODES.map(({ plants }) => plants.victim?.side))).toHaveLength(3);
  });

  it("are mostly watched by the monitor, unless all or none are to be", () => {
    const watched = machines.filter(({ watch }) => watch?.monitor).length;
    expect(watched).toBeGreaterThan(400);
    expect(watched).toBeLessThan(600);
    expect(episode(5, { monitor: false }).machine.watch?.monitor).toBe(false);
    const all = EPISODES.map(({ seed }) => episode(seed, { monitor: true }));
    expect(
      all.every(({ machine, plants }) => machine.watch?.monitor === (plants.ringStart === undefined)),
    ).toBe(true);
  });
});

it("chooses by weight, never what weighs nothing", () => {
  const random = new Random(1);
  const chosen = Array.from({ length: 4000 }, () => choose(["a", "b", "c"], { a: 3, b: 0, c: 1 }, random));
  expect(distinct(chosen).sort()).toEqual(["a", "c"]);
  expect(chosen.filter((name) => name === "a").length / 1000).toBeCloseTo(3, 0);
});
