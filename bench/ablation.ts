/**
 * ablation: what each technique is worth. One is switched off, everything else left as it is, and both take turns;
 * the ratio is the rate without it to the rate with all of them.
 */
import type { MachineDescription } from "../src/machine/description.ts";
import type { BlockArgs, BlockResult } from "./guests/block.ts";
import type { PortArgs } from "./guests/port.ts";
import { alternate, pairedRatio, type Round, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { startMachine } from "./harness/machine.ts";
import type { RingShape } from "./ring.data.ts";
import { DEFAULT_SHAPE, startRing } from "./ring-run.ts";

const SPINS = 2000;
const WARM_UPS = 8;
const SLEEPING = { wait: "sleep", spins: SPINS } as const;

/** One side: a round's time in milliseconds, for the count that it was made with. */
interface Side {
  readonly round: Round;
  stop(): Promise<void>;
}
interface Technique {
  readonly name: string;
  /** Buffers, requests or accesses in a round. */
  readonly count: number;
  side(on: boolean, count: number, plan: Plan): Promise<Side>;
}

const ring = (name: string, off: Partial<RingShape>, base: Partial<RingShape> = {}): Technique => ({
  name: `${name}: ring, ${base.wait === "sleep" ? "sleeping" : "polling"}`,
  // Lengths repeat every 64 buffers, and so must a round.
  count: 128_000,
  async side(on, count, plan) {
    const run = await startRing({ ...DEFAULT_SHAPE, ...base, ...(on ? {} : off) });
    const warmUps = plan.scale(WARM_UPS, 0);
    return { round: async () => (await run.round(count, warmUps)).ms, stop: () => run.stop() };
  },
});

const machine = (
  name: string,
  program: string,
  { count, ...args }: BlockArgs | PortArgs,
  description: MachineDescription,
  off: Partial<MachineDescription>,
): Technique => ({
  name,
  count,
  async side(on, scaled) {
    const url = new URL(`guests/${program}.ts`, import.meta.url);
    const run = await startMachine(url, { ...description, ...(on ? {} : off) });
    const round = async () => {
      const result = await run.run<BlockResult | number>({ ...args, count: scaled });
      return typeof result === "number" ? result : result.ms;
    };
    return { round, stop: () => run.stop() };
  },
});

const DISK = { devices: [{ type: "blk", options: { size: 16 << 20, seed: 1 } }] };
const READS = { operation: "read", order: "random", bytes: 4096 } as const;

const TECHNIQUES: readonly Technique[] = [
  ring("one publication per batch", { batch: 1 }),
  ring("more than one buffer out", { outstanding: 1, batch: 1 }),
  ring("one publication per batch", { batch: 1 }, SLEEPING),
  ring("event index (flags in its place)", { eventIndex: false }, SLEEPING),
  ring("spin before the sleep", { spins: 0 }, SLEEPING),
  ring("indirect tables (chains in their place)", { indirect: false }, { indirect: true, segments: 3 }),
  machine("polling before the sleep: block, depth 1", "block", { ...READS, depth: 1, count: 2_000 }, DISK, {
    pollMaxUs: 0,
  }),
  machine(
    "polling before the sleep: block, depth 32",
    "block",
    { ...READS, depth: 32, count: 10_000 },
    DISK,
    { pollMaxUs: 0 },
  ),
  machine(
    "kick fast path: port",
    "port",
    { access: "kick", count: 5_000, warmUps: 4 },
    { devices: [{ type: "rng" }], pollMaxUs: 1000 },
    { kickFastPath: false },
  ),
];

export const ablation: Bench = {
  name: "ablation",
  about: "each technique switched off, against all of them on",
  async run(plan) {
    const results: Result[] = [];
    for (const technique of TECHNIQUES)
      if (plan.wants(technique.name)) results.push(await measure(plan, technique));
    return results;
  },
};

async function measure(plan: Plan, { name, count, side }: Technique): Promise<Result> {
  plan.note(`ablation: ${name}`);
  const scaled = plan.scale(count, count / 20);
  const on = await side(true, scaled, plan);
  const off = await side(false, scaled, plan);
  const times = await alternate(plan, { on: on.round, off: off.round });
  await Promise.all([on.stop(), off.stop()]);
  const rates = (ms: readonly number[]) => ms.map((each) => scaled / each);
  const withAll = summarise({ bench: "ablation", case: name, unit: "k/s", values: rates(times.on) });
  return summarise({
    bench: "ablation",
    case: name,
    unit: "k/s",
    values: rates(times.off),
    ratios: { vsAllOn: pairedRatio(rates(times.off), rates(times.on)) },
    details: { "all on k/s": withAll.median },
  });
}
