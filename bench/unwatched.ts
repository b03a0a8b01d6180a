/**
 * unwatched: what the possibility of watching costs a machine that nobody watches. Beside the machine as it is runs one
 * of a copy of the sources in which nothing that records or checks is ever loaded, and shared memory is not chosen but
 * fixed. Two machines of the same sources differ by more than is looked for (which core, which pages), so there
 * are many of each; what is measured of a pair is one ratio, and the interval is that of the pairs' mean.
 */
import { mean, median, sampleStandardDeviation } from "simple-statistics";
import type { Machine } from "../src/machine/machine.ts";
import type { BlockArgs, BlockResult } from "./guests/block.ts";
import { summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { copyTree, type Tree } from "./harness/tree.ts";

const WITHOUT_WATCHING = {
  "src/machine/watched.ts": () => "export const watchIfWanted = async () => undefined;\n",
  "src/memory/attach.ts": (text: string) => text.replace("=> factory(buffer)", "=> new LiveMemory(buffer)"),
};

/** What the machine as it is stands beside: one without watching; and one more as it is, to see what is noise. */
const BESIDE = { "beside one without watching": WITHOUT_WATCHING, "beside another as it is": {} };

const SHAPE: Omit<BlockArgs, "count"> = { operation: "read", order: "random", bytes: 4096, depth: 1 };
const DISK_BYTES = 16 << 20;
const TURN_MS = 20;
const TURNS = 60;
const WARM_UP_MS = 700;
const FIRST_COUNT = 100;
/** Pairs of machines for each round that was asked for. */
const PAIRS_PER_ROUND = 2;
/** Of the normal distribution: 95 % lie within. */
const DEVIATIONS = 1.96;

interface Running {
  readonly machine: Machine;
  time(count: number): Promise<number>;
}

export const unwatched: Bench = {
  name: "unwatched",
  about: "an unwatched machine against one of sources without monitor and traces, pair by pair",
  async run(plan) {
    const cases = Object.entries(BESIDE).filter(([name]) => plan.wants(name));
    if (cases.length === 0) return [];
    const trees = [await copyTree()];
    const results: Result[] = [];
    try {
      for (const [name, changes] of cases) {
        const other = await copyTree(changes);
        trees.push(other);
        results.push(resultOf(name, await ratiosOf(plan, trees[0] as Tree, other)));
      }
      return results;
    } finally {
      for (const tree of trees) tree.remove();
    }
  },
};

/** Of each pair: the rate of the first as a part of the second's. */
async function ratiosOf(plan: Plan, first: Tree, second: Tree): Promise<number[]> {
  const ratios: number[] = [];
  const pairs = plan.scale(PAIRS_PER_ROUND * plan.rounds, 1);
  for (let pair = 0; pair < pairs; pair++) {
    // Whoever starts first may get the better place: they take turns at that, too.
    const swapped = pair % 2 === 1;
    const [a, b] = [await start(swapped ? second : first), await start(swapped ? first : second)];
    const ratio = await ratioOf(plan, a, b);
    ratios.push(swapped ? 1 / ratio : ratio);
    await a.machine.stop();
    await b.machine.stop();
  }
  return ratios;
}

async function start(tree: Tree): Promise<Running> {
  const module = (await import(tree.url("src/machine/machine.ts").href)) as { Machine: typeof Machine };
  const devices = [{ type: "blk", options: { size: DISK_BYTES, seed: 1 } }];
  const machine = await module.Machine.start({ devices });
  const program = tree.url("bench/guests/block.ts");
  return {
    machine,
    async time(count) {
      const report = await machine.run(program, { ...SHAPE, count });
      if (report.verdict !== "completed") throw new Error(`${report.verdict}: ${report.reason}`);
      return (report.result as BlockResult).ms / count;
    },
  };
}

/** The rate of `a` as a part of `b`'s. */
async function ratioOf(plan: Plan, a: Running, b: Running): Promise<number> {
  const counts = [await warmUp(plan, a), await warmUp(plan, b)];
  const count = Math.max(...counts);
  const times: [number[], number[]] = [[], []];
  for (let turn = 0; turn < plan.scale(TURNS, 2); turn++) {
    times[0].push(await a.time(count));
    times[1].push(await b.time(count));
  }
  return median(times[1]) / median(times[0]);
}

async function warmUp(plan: Plan, machine: Running): Promise<number> {
  const until = performance.now() + plan.scale(WARM_UP_MS, 0);
  let count = FIRST_COUNT;
  while (performance.now() < until) count = Math.ceil(TURN_MS / (await machine.time(count)));
  return count;
}

/** Ratios are multiplied: their logarithms have the mean. */
function resultOf(name: string, ratios: readonly number[]): Result {
  const logs = ratios.map(Math.log);
  const middle = mean(logs);
  const half = logs.length < 2 ? 0 : (DEVIATIONS * sampleStandardDeviation(logs)) / Math.sqrt(logs.length);
  const part = (log: number): string => Math.exp(log).toFixed(4);
  return summarise({
    bench: "unwatched",
    case: name,
    unit: "%",
    values: ratios.map((ratio) => 100 * ratio),
    ratios: { mean: Math.exp(middle) },
    details: { "95 % interval": `${part(middle - half)} to ${part(middle + half)}`, pairs: ratios.length },
  });
}
