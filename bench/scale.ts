/**
 * scale: cost per buffer by queue size and RAM, against the default's; and cost per request of a block device by its
 * number of queues, against one.
 */
import type { BlockArgs, BlockResult } from "./guests/block.ts";
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { type MachineRun, startMachine } from "./harness/machine.ts";
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
  { name: "RAM of 256 MiB", size: 256, memory: 256 * MIB },
  { name: "RAM of 1 GiB", size: 256, memory: GIB },
  { name: "RAM of 4 GiB", size: 256, memory: 4 * GIB },
];

const QUEUES = [2, 4, 8];
const PROGRAM = new URL("guests/block.ts", import.meta.url);
const READS: Omit<BlockArgs, "count"> = { operation: "read", order: "random", bytes: 4096, depth: 32 };

export const scale: Bench = {
  name: "scale",
  about: "cost of a buffer by queue size and RAM, against a queue of 256 in 16 MiB; of a request, by queues",
  async run(plan) {
    const results: Result[] = [];
    const reference = await startRing(DEFAULT_SHAPE, 16 * MIB);
    for (const each of CASES) if (plan.wants(each.name)) results.push(await measure(plan, each, reference));
    await reference.stop();
    const counts = QUEUES.filter((queues) => plan.wants(nameOf(queues)));
    if (counts.length > 0) results.push(...(await measureQueues(plan, counts)));
    return results;
  },
};

const nameOf = (queues: number): string => `block device with ${queues} queues`;

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

/** The driver takes a device's queues in turn: the same requests, over more rings. */
async function measureQueues(plan: Plan, counts: readonly number[]): Promise<Result[]> {
  const args: BlockArgs = { ...READS, count: plan.scale(10_000, 500) };
  const one = await startDisk(1);
  const results: Result[] = [];
  for (const queues of counts) {
    plan.note(`scale: ${nameOf(queues)}`);
    const several = await startDisk(queues);
    const times = await alternate(plan, {
      this: async () => (await several.run<BlockResult>(args)).ms,
      reference: async () => (await one.run<BlockResult>(args)).ms,
    });
    await several.stop();
    results.push(
      summarise({
        bench: "scale",
        case: nameOf(queues),
        unit: "ns",
        values: times.this.map((ms) => (ms * 1e6) / args.count),
        ratios: { vsDefault: pairedRatio(times.this, times.reference) },
      }),
    );
  }
  await one.stop();
  return results;
}

const startDisk = (queues: number): Promise<MachineRun> =>
  startMachine(PROGRAM, { devices: [{ type: "blk", options: { size: 16 * MIB, queues } }] });
