/**
 * block: a block device through driver, queue and device, against the bare copies (or file reads) that it comes to.
 * The device copies each request's data once; so do the copies beside it, from the same places.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allocateShared, attachMemory } from "../src/memory/attach.ts";
import { Random } from "../src/wire/random.ts";
import { type BlockArgs, type BlockResult, place } from "./guests/block.ts";
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { type MachineRun, startMachine } from "./harness/machine.ts";

const PROGRAM = new URL("guests/block.ts", import.meta.url);
const DISK_BYTES = 64 << 20;
const SEED = 1;
const KIB = 1024;

interface Case extends Omit<BlockArgs, "count"> {
  readonly name: string;
  readonly disk: "memory" | "file";
  readonly ratio: "vsCopy4k" | "vsCopyBandwidth" | "vsFsLoop";
  readonly count: number;
}

/** Enough that a turn lasts tens of milliseconds: it begins with a host that sleeps. */
const RANDOM = { disk: "memory", order: "random", bytes: 4 * KIB, ratio: "vsCopy4k", count: 30_000 } as const;
const SEQUENTIAL = {
  operation: "read",
  order: "sequential",
  bytes: 128 * KIB,
  depth: 8,
  count: 4000,
} as const;
const CASES: readonly Case[] = [
  ...[1, 8, 32, 128].map((depth) => ({
    ...RANDOM,
    name: `memory, 4 KiB random reads, depth ${depth}`,
    operation: "read" as const,
    depth,
  })),
  { ...SEQUENTIAL, name: "memory, 128 KiB sequential reads", disk: "memory", ratio: "vsCopyBandwidth" },
  // After the reads, which check what the disk was filled with.
  { ...RANDOM, name: "memory, 4 KiB random writes, depth 32", operation: "write", depth: 32 },
  { ...SEQUENTIAL, name: "file, 128 KiB sequential reads", disk: "file", ratio: "vsFsLoop" },
];

export const block: Bench = {
  name: "block",
  about: "requests of a block device, against bare copies and bare file reads",
  async run(plan) {
    const folder = mkdtempSync(join(tmpdir(), "virtlab-bench-"));
    const content = new Uint8Array(DISK_BYTES);
    new Random(SEED).fill(content);
    const file = join(folder, "disk");
    writeFileSync(file, content);
    const machines = {
      memory: await startMachine(PROGRAM, diskOf({ size: DISK_BYTES, seed: SEED })),
      file: await startMachine(PROGRAM, diskOf({ file })),
    };
    try {
      const results: Result[] = [];
      for (const each of CASES) {
        if (plan.wants(each.name))
          results.push(await measure(plan, each, machines[each.disk], content, file));
      }
      return results;
    } finally {
      await Promise.all([machines.memory.stop(), machines.file.stop()]);
      rmSync(folder, { recursive: true });
    }
  },
};

const diskOf = (options: Record<string, string | number>) => ({ devices: [{ type: "blk", options }] });

async function measure(
  plan: Plan,
  each: Case,
  machine: MachineRun,
  content: Uint8Array,
  file: string,
): Promise<Result> {
  plan.note(`block: ${each.name}`);
  const count = plan.scale(each.count, each.count / 10);
  const args: BlockArgs = { ...each, count };
  const handle = await open(file);
  const bare = each.disk === "file" ? () => readLoop(handle, args) : () => copyLoop(content, args);
  const expected = checksum(content, args);
  const times = await alternate(plan, {
    block: async () => {
      const result = await machine.run<BlockResult>(args);
      if (args.operation === "read" && result.checksum !== expected)
        throw new Error("the wrong data was read");
      return result.ms;
    },
    bare,
  });
  await handle.close();
  const rates = times.block.map((ms) => rate(each, count, ms));
  return summarise({
    bench: "block",
    case: each.name,
    unit: each.ratio === "vsCopy4k" ? "k/s" : "MB/s",
    values: rates,
    ratios: { [each.ratio]: pairedRatio(times.bare, times.block) },
  });
}

const rate = ({ ratio, bytes }: Case, count: number, ms: number): number =>
  ratio === "vsCopy4k" ? count / ms : (count * bytes) / ms / 1000;

function checksum(content: Uint8Array, args: BlockArgs): number {
  const words = new Uint32Array(content.buffer);
  const places = content.length / args.bytes;
  let sum = 0;
  for (let number = 0; number < args.count; number++) {
    sum = (sum + (words[(place(args, number, places) * args.bytes) >>> 2] ?? 0)) >>> 0;
  }
  return sum;
}

let target: Uint8Array | undefined;

/** The copies alone, into as many buffers of shared memory, one after another. */
function copyLoop(content: Uint8Array, args: BlockArgs): number {
  target ??= attachMemory(allocateShared(16 << 20)).window(0, 16 << 20, "write", 0);
  const places = content.length / args.bytes;
  const begun = performance.now();
  for (let number = 0; number < args.count; number++) {
    const at = place(args, number, places) * args.bytes;
    target.set(content.subarray(at, at + args.bytes), (number % args.depth) * args.bytes);
  }
  return performance.now() - begun;
}

/** The file reads alone, as many at once. */
async function readLoop(file: FileHandle, args: BlockArgs): Promise<number> {
  const places = DISK_BYTES / args.bytes;
  let next = 0;
  const lane = async (): Promise<void> => {
    const buffer = new Uint8Array(args.bytes);
    while (next < args.count)
      await file.read(buffer, 0, args.bytes, place(args, next++, places) * args.bytes);
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: args.depth }, lane));
  return performance.now() - begun;
}
