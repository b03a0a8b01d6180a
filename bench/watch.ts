/**
 * watch: what watching costs: the same machine unwatched, with the monitor, with a trace, with both, in turn. A second
 * unwatched machine beside the first says how much of a difference is noise.
 */
import type { WatchSpec } from "../src/machine/description.ts";
import type { BlockArgs, BlockResult } from "./guests/block.ts";
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { type MachineRun, startMachine } from "./harness/machine.ts";

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
const SMOKE_NAMES: readonly Side[] = ["off", "both"];

type Shape = Omit<BlockArgs, "count">;
const CASES: readonly (Shape & { readonly name: string })[] = [
  { name: "4 KiB random reads, depth 1", operation: "read", order: "random", bytes: 4096, depth: 1 },
  { name: "4 KiB random reads, depth 32", operation: "read", order: "random", bytes: 4096, depth: 32 },
];

/** How long one turn of a side takes, and how long a side runs before anything is measured: compilers need a while. */
const TURN_MS = 40;
const WARM_UP_MS = 1500;
const FIRST_COUNT = 100;
const SMOKE_COUNT = 200;

export const watch: Bench = {
  name: "watch",
  about: "what the monitor and traces cost: requests of a block device, against the same machine unwatched",
  async run(plan) {
    const cases = CASES.filter(({ name }) => plan.wants(name));
    if (cases.length === 0) return [];
    const devices = [{ type: "blk", options: { size: DISK_BYTES, seed: 1 } }];
    const machines = new Map<Side, MachineRun>();
    for (const side of plan.smoke ? SMOKE_NAMES : NAMES) {
      machines.set(side, await startMachine(PROGRAM, { devices, watch: SIDES[side] }));
    }
    const results = [];
    for (const each of cases) {
      plan.note(`watch: ${each.name}`);
      results.push(...(await compare(plan, each.name, each, machines)));
    }
    for (const machine of machines.values()) await machine.stop();
    return results;
  },
};

async function compare(
  plan: Plan,
  name: string,
  shape: Shape,
  machines: ReadonlyMap<Side, MachineRun>,
): Promise<Result[]> {
  const sides: [Side, () => Promise<number>][] = [];
  for (const [side, machine] of machines) {
    const count = plan.smoke ? SMOKE_COUNT : await warmUp(machine, shape);
    sides.push([side, () => timeOfOne(machine, shape, count)]);
  }
  const times = await alternate(plan, Object.fromEntries(sides) as Record<Side, () => Promise<number>>);
  return [...machines.keys()].map((side) =>
    summarise({
      bench: "watch",
      case: `${name}: ${side}`,
      unit: "k/s",
      values: times[side].map((ms) => 1 / ms),
      ratios: { vsOff: pairedRatio(times.off, times[side]) },
    }),
  );
}

/** Milliseconds for a request. */
async function timeOfOne(machine: MachineRun, shape: Shape, count: number): Promise<number> {
  return (await machine.run<BlockResult>({ ...shape, count })).ms / count;
}

/** Runs for a while; how many requests fit in a turn then. */
async function warmUp(machine: MachineRun, shape: Shape): Promise<number> {
  const until = performance.now() + WARM_UP_MS;
  let count = FIRST_COUNT;
  while (performance.now() < until) count = Math.ceil(TURN_MS / (await timeOfOne(machine, shape, count)));
  return count;
}
