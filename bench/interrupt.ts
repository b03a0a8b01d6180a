/** interrupt: from the device's raise to the handler's first line; message and line, the guest polling and asleep. */
import { fileURLToPath } from "node:url";
import type { LatencySummary } from "../src/observe/record/histogram.ts";
import type { InterruptArgs } from "./guests/interrupt.ts";
import { summarise } from "./harness/alternate.ts";
import type { Bench, Result } from "./harness/bench.ts";
import { startMachine } from "./harness/machine.ts";

const PROGRAM = new URL("guests/interrupt.ts", import.meta.url);
const DEVICE = fileURLToPath(new URL("guests/stamp-device.ts", import.meta.url));
const CASES = [
  { name: "message, guest polling", interrupts: "msix", restMs: 0 },
  { name: "line, guest polling", interrupts: "intx", restMs: 0 },
  { name: "message, guest asleep", interrupts: "msix", restMs: 2 },
  { name: "line, guest asleep", interrupts: "intx", restMs: 2 },
] as const;

export const interrupt: Bench = {
  name: "interrupt",
  about: "from a device's raise to the first line of its handler",
  async run(plan) {
    const results: Result[] = [];
    for (const { name, interrupts, restMs } of CASES) {
      if (!plan.wants(name)) continue;
      plan.note(`interrupt: ${name}`);
      // Asleep means that neither side polls: else the rest would be too short to tell.
      const pollMaxUs = restMs === 0 ? 1000 : 0;
      const machine = await startMachine(PROGRAM, { devices: [{ type: DEVICE }], interrupts, pollMaxUs });
      const args: InterruptArgs = { count: plan.scale(restMs === 0 ? 2000 : 100, 10), restMs };
      const rounds: LatencySummary[] = [];
      for (let round = 0; round <= plan.rounds; round++) rounds.push(await machine.run(args));
      await machine.stop();
      const [, ...measured] = rounds;
      const values = measured.map(({ p50 }) => p50);
      const last = measured.at(-1);
      results.push(
        summarise({
          bench: "interrupt",
          case: name,
          unit: "us",
          values,
          details: { "p99 us": last?.p99 ?? 0, "p99.9 us": last?.p999 ?? 0 },
        }),
      );
    }
    return results;
  },
};
