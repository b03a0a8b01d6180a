import { describe, expect, it } from "vitest";
import { Machine } from "../../src/machine/machine.ts";

/** Share of one core that a machine at rest may cost. It costs far less; this says that both sides really sleep. */
const SHARE_MAX = 0.02;
const REST_MS = 10_000;
const SETTLE_MS = 500;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("an idle machine", () => {
  it("costs under 2 % of one core over 10 s, and both workers sleep", async () => {
    const machine = await Machine.start({
      devices: [{ type: "rng" }, { type: "blk", options: { size: "1M" } }],
    });
    const program = new URL("../support/programs/await-timer.ts", import.meta.url);
    const running = machine.run(program, SETTLE_MS + REST_MS + SETTLE_MS);
    await sleep(SETTLE_MS);
    const before = process.cpuUsage();
    const sleepsBefore = machine.describeControl();
    await sleep(REST_MS);
    const { user, system } = process.cpuUsage(before);
    const asleep = machine.describeControl();
    expect((await running).verdict).toBe("completed");
    await machine.stop();
    expect((user + system) / 1000 / REST_MS).toBeLessThan(SHARE_MAX);
    expect(asleep.hostDoorbell.sleepers).toBe(1);
    expect(asleep.cpus[0]?.doorbell.sleepers).toBe(1);
    expect(asleep.hostDoorbell.rings).toBe(sleepsBefore.hostDoorbell.rings);
  });
});
