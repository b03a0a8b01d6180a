/** idle: what a machine at rest costs in processor time, and how long it takes to answer out of its rest. */
import type { IdleResult } from "./guests/idle.ts";
import { summarise } from "./harness/alternate.ts";
import type { Bench } from "./harness/bench.ts";
import { startMachine } from "./harness/machine.ts";

const PROGRAM = new URL("guests/idle.ts", import.meta.url);
const REST_MS_LONG = 2_000;
const REST_MS_SHORT = 300;

export const idle: Bench = {
  name: "idle",
  about: "a machine at rest: processor time of all its threads, and a request after each rest",
  async run(plan) {
    const machine = await startMachine(PROGRAM, {
      devices: [{ type: "blk", options: { size: 1 << 20 } }, { type: "rng" }],
    });
    const shares: number[] = [];
    const wakes: number[] = [];
    // The first round warms up: the engine still compiles.
    for (let round = -1; round < plan.scale(5, 2); round++) {
      const before = process.cpuUsage();
      const begun = performance.now();
      const { wakeUs } = await machine.run<IdleResult>({ restMs: plan.scale(REST_MS_LONG, REST_MS_SHORT) });
      const used = process.cpuUsage(before);
      if (round < 0) continue;
      shares.push((used.user + used.system) / 10 / (performance.now() - begun));
      wakes.push(wakeUs);
    }
    await machine.stop();
    return [
      summarise({ bench: "idle", case: "processor time, of one core", unit: "%", values: shares }),
      summarise({ bench: "idle", case: "a request out of rest", unit: "us", values: wakes }),
    ];
  },
};
