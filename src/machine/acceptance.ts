/** The main job: a block device from a file or from memory, read and verified through the driver. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Random } from "../wire/random.ts";
import { type BalloonResult, compareBalloons, exerciseBalloons } from "./acceptance-balloons.ts";
import { compareConsoles, planConsoles } from "./acceptance-consoles.ts";
import { compareNics, planNics } from "./acceptance-nics.ts";
import { type MachineDescription, parseSize } from "./description.ts";
import { Machine } from "./machine.ts";
import {
  type OnProgress,
  type RunnableMachine,
  type RunReport,
  type StartMachine,
  workThenStop,
} from "./run.ts";
import type { AcceptanceArgs, AcceptanceResult } from "./workloads/acceptance.ts";
import type { CpuResult } from "./workloads/cpus.ts";

export interface AcceptanceOptions {
  /** A file to serve; without one, a memory disk of `diskSize` filled from `seed`. */
  readonly disk: string | undefined;
  readonly diskSize: string | undefined;
  readonly write: boolean;
  /** What keeps the file as it is without `write`: the device refuses, or has a copy that the pattern is tried on. */
  readonly protection: "read-only" | "copy";
  readonly seed: number | undefined;
}

export interface Acceptance {
  readonly report: RunReport;
  readonly result: AcceptanceResult | null;
  readonly balloons: readonly BalloonResult[];
  /** Everything that was compared was equal. */
  readonly verified: boolean;
  /** What differed. */
  readonly differences: readonly string[];
  /** SHA-256 computed outside the machine. */
  readonly expectedSha256: string;
  /** The memory disk's seed, or null for a file. */
  readonly seed: number | null;
}

const DEPTH = 32;
const CHUNK_BYTES = 128 * 1024;
const DEFAULT_DISK_SIZE = "64M";

export async function runAcceptance(
  description: MachineDescription,
  options: AcceptanceOptions,
  progress: OnProgress = () => undefined,
  startMachine: StartMachine = Machine.start,
): Promise<Acceptance> {
  const seed = options.disk === undefined ? (options.seed ?? Math.floor(Math.random() * 2 ** 31)) : null;
  const size = parseSize("--disk-size", options.diskSize ?? DEFAULT_DISK_SIZE);
  const { cpus = 1 } = description;
  const machine = await startMachine({
    ...description,
    devices: [
      {
        type: "blk",
        options: {
          ...(seed === null ? fileOptions(options) : { size, seed }),
          ...(cpus > 1 && { queues: cpus }),
        },
      },
      { type: "rng" },
      ...(description.devices ?? []),
    ],
  });
  machine.onProgress = progress;
  const nics = await planNics(machine.spec.devices, machine.spec.cpus);
  const consoles = planConsoles(machine.spec.devices);
  const args: AcceptanceArgs = {
    depth: DEPTH,
    chunkBytes: Math.min(CHUNK_BYTES, chunkThatFits(machine.spec.memory)),
    write: options.disk === undefined || options.write || options.protection === "copy",
    nics: nics.map(({ task }) => task),
    consoles,
  };
  const { balloons, report } = await workThenStop(machine, () => runAll(machine, args));
  const result =
    report.verdict === "crashed" || report.verdict === "stalled" ? null : (report.result as AcceptanceResult);
  const expectedSha256 = seed === null ? await hashFile(options.disk ?? "") : hashSeeded(size, seed);
  const differences =
    result === null
      ? []
      : [
          ...compare(result, expectedSha256),
          ...compareNics(nics, result.nics),
          ...compareConsoles(consoles, result.consoles),
          ...compareBalloons(balloons),
          ...compareCpus(result.cpus, expectedSha256),
        ];
  return {
    report,
    result,
    balloons,
    verified: result !== null && differences.length === 0,
    differences,
    expectedSha256,
    seed,
  };
}

/** The workload comes last: its report has what happened in all of the run. */
async function runAll(machine: RunnableMachine, args: AcceptanceArgs) {
  const balloons = await exerciseBalloons(machine);
  return { balloons, report: await machine.run(WORKLOAD, args) };
}

const fileOptions = ({ disk = "", write, protection }: AcceptanceOptions) => ({
  file: disk,
  ...(protection === "copy" ? { copy: !write } : { "read-only": !write }),
});

const WORKLOAD = new URL(
  `./workloads/acceptance.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
  import.meta.url,
);

/** All buffers together take a quarter of RAM at most. */
const chunkThatFits = (memory: number): number =>
  Math.max(4096, 2 ** Math.floor(Math.log2(memory / 4 / DEPTH)));

function compare(result: AcceptanceResult, expected: string): string[] {
  const differences: string[] = [];
  if (result.disk === null) differences.push("no block device was found");
  else if (result.disk.sha256 !== expected) {
    differences.push(`SHA-256 of the disk: ${result.disk.sha256} in the guest, ${expected} outside`);
  }
  if (result.pattern?.verified === false)
    differences.push("the pattern written was not the pattern read back");
  if (result.entropy?.verified !== true) differences.push("entropy was missing, zero or the same twice");
  return differences;
}

function compareCpus(cpus: readonly CpuResult[], expected: string): string[] {
  return cpus.flatMap(({ cpu, disk, pattern, flows }) => [
    ...(disk === null || disk.sha256 === expected
      ? []
      : [`SHA-256 of the disk: ${disk.sha256} on CPU ${cpu}, ${expected} outside`]),
    ...(pattern?.verified === false
      ? [`the pattern that CPU ${cpu} wrote was not the pattern it read back`]
      : []),
    ...(flows.every(({ verified }) => verified) ? [] : [`frames did not come back to CPU ${cpu} as sent`]),
  ]);
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function hashSeeded(bytes: number, seed: number): string {
  const hash = createHash("sha256");
  const random = new Random(seed);
  const block = new Uint8Array(1 << 20);
  for (let at = 0; at < bytes; at += block.length) {
    const part = block.subarray(0, Math.min(block.length, bytes - at));
    random.fill(part);
    hash.update(part);
  }
  return hash.digest("hex");
}
