import { describe, expect, it } from "vitest";
import { devices } from "../../../src/devices/index.ts";
import { defineDevice } from "../../../src/host/index.ts";
import { checkOptions } from "../../../src/machine/devices.ts";
import { attackDevice } from "../../../src/stress/attack/attack-device.ts";
import { attackDriver } from "../../../src/stress/attack/attack-driver.ts";
import { Coverage } from "../../../src/stress/attack/coverage.ts";

/** Enough for several proofs each; the command line does millions. */
const INPUTS = 60_000;
const names = Object.keys(devices);

function shipped(name: string) {
  const definition = devices[name];
  if (definition === undefined) throw new Error(`no device ${name}`);
  return { definition, options: checkOptions(definition, name === "blk" ? { size: "1M" } : {}) };
}

describe("a hostile driver", () => {
  it.each(names)("finds nothing in the device %s, which is usable after each reset", async (name) => {
    const report = await attackDevice({ ...shipped(name), seed: 11, inputs: INPUTS });
    expect(report).toMatchObject({ finding: null, inputs: INPUTS, proofs: 3 });
    expect(Object.keys(report.violations).length).toBeGreaterThan(10);
  });

  it("does the same again with the same seed", async () => {
    const attack = { ...shipped("rng"), seed: 12, inputs: 20_000 };
    const [first, second] = [await attackDevice(attack), await attackDevice(attack)];
    expect(first).toEqual({ ...second, seconds: first.seconds });
  });

  it("finds a device that trusts a length it was given", async () => {
    const trusting = defineDevice({
      ...shipped("rng").definition,
      create: () => ({
        features: 0,
        queues: [{ name: "requests" }],
        queueNotified: (queue, { ram }) =>
          queue.serve((chain) => {
            const header = new Uint8Array(4);
            chain.read(0, header);
            ram.memory.write8((header[3] ?? 0) << 24, 0, 0);
            queue.push(chain, 0);
          }),
      }),
    });
    const attack = { definition: trusting, options: {}, seed: 13, inputs: INPUTS };
    const { finding } = await attackDevice(attack);
    expect(finding?.what).toContain("shared memory: 1 bytes at");
    // A few of thousands of inputs are enough, and they are so again.
    const inputs = finding?.shrunk ?? [];
    expect(inputs.length).toBeGreaterThan(0);
    expect(inputs.length).toBeLessThan(12);
    const again = await attackDevice({ ...attack, only: { round: finding?.round ?? 0, inputs } });
    expect(again.finding?.what).toContain("shared memory: 1 bytes at");
  });

  it("finds a device that keeps state over a reset that makes it useless", async () => {
    const sulking = defineDevice({
      ...shipped("rng").definition,
      create() {
        let offended = false;
        return {
          features: 0,
          queues: [{ name: "requests" }],
          queueNotified: (queue) =>
            queue.serve((chain) => {
              offended ||= chain.writableBytes === 0;
              if (!offended) queue.push(chain, chain.fill(0, chain.writableBytes, 1));
            }),
        };
      },
    });
    const report = await attackDevice({ definition: sulking, options: {}, seed: 14, inputs: INPUTS });
    expect(report.finding?.what).toContain("no answer after a reset");
  });
});

describe("a corpus", () => {
  it("keeps the rounds that reach new code, and runs them first", async () => {
    const coverage = await Coverage.start();
    const kept: number[] = [];
    const attack = { ...shipped("rng"), seed: 15, coverage, keep: (round: number) => kept.push(round) };
    await attackDevice({ ...attack, inputs: INPUTS });
    coverage.stop();
    expect(kept.length).toBeGreaterThan(0);
    const first = await attackDevice({ ...shipped("rng"), seed: 16, inputs: 20_000, corpus: kept });
    const alone = { round: kept[0] ?? 0, inputs: [] };
    const same = await attackDevice({ ...shipped("rng"), seed: 16, inputs: 20_000, only: alone });
    expect(first.byKind).toEqual(same.byKind);
  });
});

describe("a hostile device", () => {
  it.each(names)("finds nothing in the driver of %s: all requests end, nothing leaks", async (name) => {
    const report = await attackDriver({ ...shipped(name), seed: 21, inputs: 10_000 });
    expect(report.finding).toBeNull();
    expect(report.proofs).toBeGreaterThan(200);
  });
});
