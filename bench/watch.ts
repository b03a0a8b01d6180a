/**
 * watch: what watching costs: the same machine unwatched, with the monitor, with a trace, with both, in turn. A second
 * unwatched machine beside the first says how much of a difference is noise. An unwatched machine runs the code that
 * there was before there was anything to watch with: the memory class and the bus are chosen when a worker starts.
 */
import type { WatchSpec } from "../src/machine/description.ts";
import type { BlockArgs, BlockResult } from "./guests/block.ts";
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench } from "./harness/bench.ts";
import { startMachine } from "./harness/machine.ts";

const PROGRAM = new URL("guests/block.ts", import.meta.url);
const DISK_BYTES = 16 << 20;
const TRACE_EVENTS = 1 << 18;
const SIDES = {
  off: {},
  "off again": {},
  monitor: { monitor: true },
  trace: { traceEvents: TRACE_EVENTS },
  both: { monitor: true, traceEvents: TRACE_EVENTS },
} as const satisfies Record<string, Partial<WatchSpec>>;
type Side = keyof typeof SIDES;
const NAMES = Object.keys(SIDES) as Side[];
const COUNT = 4000;
const SMOKE_COUNT = 400;

const CASES: readonly (Omit<BlockArgs, "count"> & { readonly name: string })[] = [
  { name: "4 KiB random reads, depth 1", operation: "read", order: "random", bytes: 4096, depth: 1 },
  { name: "4 KiB random reads, depth 32", operation: "read", order: "random", bytes: 4096, depth: 32 },
];

export const watch: Bench = {
  name: "watch",
  about: "what the monitor and traces cost: requests of a block device, against the same machine unwatched",
  async run(plan) {
    const results = [];
    for (const each of CASES.filter(({ name }) => plan.wants(name))) {
      plan.note(`watch: ${each.name}`);
      const args: BlockArgs = { ...each, count: plan.scale(COUNT, SMOKE_COUNT) };
      const devices = [{ type: "blk", options: { size: DISK_BYTES, seed: 1 } }];
      const machines = await Promise.all(
        NAMES.map(
          async (name) => [name, await startMachine(PROGRAM, { devices, watch: SIDES[name] })] as const,
        ),
      );
      const sides = machines.map(([name, machine]) => [
        name,
        async () => (await machine.run<BlockResult>(args)).ms,
      ]);
      const times = await alternate<Side>(plan, Object.fromEntries(sides));
      await Promise.all(machines.map(([, machine]) => machine.stop()));
      for (const name of NAMES) {
        results.push(
          summarise({
            bench: "watch",
            case: `${each.name}: ${name}`,
            unit: "k/s",
            values: times[name].map((ms) => args.count / ms),
            ratios: { vsOff: pairedRatio(times.off, times[name]) },
          }),
        );
      }
    }
    return results;
  },
};
