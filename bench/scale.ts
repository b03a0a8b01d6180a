/** scale: cost per buffer by queue size, number of queues' worth of descriptors, and RAM, against the default's. */
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { DEFAULT_SHAPE, type RingRun, startRing } from "./ring-run.ts";

const MIB = 1 << 20;
const GIB = 1 << 30;

interface Case {
  readonly name: string;
  readonly size: number;
  readonly memory: number;
  /** Buffers out at once; by default as many as the default shape has. */
  readonly outstanding?: number;
}

const CASES: readonly Case[] = [
  { name: "queue of 2", size: 2, memory: 0 },
  { name: "queue of 16", size: 16, memory: 0 },
  { name: "queue of 1024", size: 1024, memory: 0 },
  { name: "queue of 32768", size: 32768, memory: 0 },
  { name: "queue of 32768, all of it out", size: 32768, memory: 0, outstanding: 32768 },
  { name: "RAM of 1 GiB", size: 256, memory: GIB },
  { name: "RAM of 4 GiB", size: 256, memory: 4 * GIB },
];

export const scale: Bench = {
  name: "scale",
  about: "cost of a buffer by queue size and RAM, against a queue of 256 in 16 MiB",
  async run(plan) {
    const results: Result[] = [];
    const reference = await startRing(DEFAULT_SHAPE, 16 * MIB);
    for (const each of CASES) if (plan.wants(each.name)) results.push(await measure(plan, each, reference));
    await reference.stop();
    return results;
  },
};

async function measure(plan: Plan, { name, memory, ...shape }: Case, reference: RingRun): Promise<Result> {
  plan.note(`scale: ${name}`);
  const count = plan.scale(200_000, 2_000);
  const warmUps = plan.scale(4, 0);
  const run = await startRing({ ...DEFAULT_SHAPE, ...shape }, memory);
  const times = await alternate(plan, {
    this: async () => (await run.round(count, warmUps)).ms,
    reference: async () => (await reference.round(count, warmUps)).ms,
  });
  await run.stop();
  return summarise({
    bench: "scale",
    case: name,
    unit: "ns",
    values: times.this.map((ms) => (ms * 1e6) / count),
    ratios: { vsDefault: pairedRatio(times.this, times.reference) },
  });
}
