/**
 * io-threads: the same requests with the queues on I/O threads and on the host's first thread. Two cores have two
 * threads' worth of work: what an I/O thread does there, another thread does not.
 */
import type { BesideArgs, BesideResult } from "./guests/beside.ts";
import type { BlockArgs, BlockResult } from "./guests/block.ts";
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { type MachineRun, startMachine } from "./harness/machine.ts";

const BLOCK = new URL("guests/block-cpus.ts", import.meta.url);
const BESIDE = new URL("guests/beside.ts", import.meta.url);
const DISK_BYTES = 16 << 20;
const SMALL = { operation: "read", order: "random", bytes: 4096, depth: 32, count: 10_000 } as const;
const LARGE = { operation: "read", order: "sequential", bytes: 131_072, depth: 8, count: 1000 } as const;

interface Case {
  readonly name: string;
  readonly cpus: number;
  readonly queues: number;
  readonly ioThreads: number;
  readonly requests: BlockArgs;
}

const CASES: readonly Case[] = [
  ...[1, 2].flatMap((cpus) =>
    [1, 2].flatMap((ioThreads) =>
      [SMALL, LARGE].map((requests) => ({
        name: `${requests.bytes / 1024} KiB reads, depth ${requests.depth}, ${count(cpus, "CPU")}, ${count(ioThreads, "I/O thread")}`,
        cpus,
        queues: 2,
        ioThreads,
        requests,
      })),
    ),
  ),
  ...[1, 4, 8].map((queues) => ({
    name: `4 KiB reads, ${count(queues, "queue")}, 2 I/O threads`,
    cpus: 1,
    queues,
    ioThreads: 2,
    requests: SMALL,
  })),
];
const BESIDE_NAME = "register read beside a busy disk, 1 I/O thread";

export const ioThreads: Bench = {
  name: "io-threads",
  about: "a block device's queues on I/O threads, against the same on the host's first thread",
  async run(plan) {
    const results: Result[] = [];
    for (const each of CASES) if (plan.wants(each.name)) results.push(await measure(plan, each));
    if (plan.wants(BESIDE_NAME)) results.push(await measureBeside(plan));
    return results;
  },
};

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

async function measure(plan: Plan, { name, cpus, queues, ioThreads, requests }: Case): Promise<Result> {
  plan.note(`io-threads: ${name}`);
  const total = plan.scale(requests.count, requests.count / 20);
  // As many requests, and as many at once, however many CPUs make them.
  const args: BlockArgs = { ...requests, depth: requests.depth / cpus, count: total / cpus };
  const start = (threads: number): Promise<MachineRun> =>
    startMachine(BLOCK, {
      cpus,
      ioThreads: threads,
      devices: [{ type: "blk", options: { size: DISK_BYTES, queues } }],
    });
  const [spread, alone] = [await start(ioThreads), await start(0)];
  const round = async (machine: MachineRun) => (await machine.run<BlockResult>(args)).ms;
  const times = await alternate(plan, { spread: () => round(spread), alone: () => round(alone) });
  await Promise.all([spread.stop(), alone.stop()]);
  return summarise({
    bench: "io-threads",
    case: name,
    unit: "k/s",
    values: times.spread.map((ms) => total / ms),
    ratios: { vsNone: pairedRatio(times.alone, times.spread) },
  });
}

/** What I/O threads are for: a host that has time for everything else. */
async function measureBeside(plan: Plan): Promise<Result> {
  plan.note(`io-threads: ${BESIDE_NAME}`);
  const args: BesideArgs = { disk: { ...LARGE, count: plan.scale(600, 50) }, reads: 20 };
  const start = (threads: number): Promise<MachineRun> =>
    startMachine(BESIDE, {
      cpus: 2,
      ioThreads: threads,
      devices: [{ type: "blk", options: { size: DISK_BYTES, queues: 2 } }, { type: "rng" }],
    });
  const [spread, alone] = [await start(1), await start(0)];
  const round = async (machine: MachineRun) => (await machine.run<BesideResult>(args)).us;
  const times = await alternate(plan, { spread: () => round(spread), alone: () => round(alone) });
  await Promise.all([spread.stop(), alone.stop()]);
  return summarise({
    bench: "io-threads",
    case: BESIDE_NAME,
    unit: "us",
    values: times.spread,
    ratios: { vsNone: pairedRatio(times.spread, times.alone) },
  });
}
