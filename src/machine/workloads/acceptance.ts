/**
 * The acceptance workload, a guest program like any other: read the whole disk through the driver at depth and hash
 * it, write a pattern, flush and read it back where that is allowed, read entropy, move frames over the network
 * interfaces that are there, and write to the consoles.
 */
import { blk, type Entropy, net, rng as rngDriver } from "../../drivers/index.ts";
import { defineGuest, type GuestContext } from "../../guest/define.ts";
import { LatencyHistogram, type LatencySummary } from "../../observe/record/histogram.ts";
import { type ConsoleResult, type ConsoleTask, exerciseConsoles } from "./consoles.ts";
import { type CpuDisk, type CpuFrames, type CpuResult, onOtherCpus } from "./cpus.ts";
import { checkPattern, type Pattern, readWhole, type WholeDisk } from "./disks.ts";
import { exerciseNics, type NicResult, type NicTask } from "./nics.ts";
import { FrameBag, newCount } from "./spread-replay.ts";

export interface AcceptanceArgs {
  /** Requests in flight, and bytes of each. */
  readonly depth: number;
  readonly chunkBytes: number;
  /** Overwrite, flush, read back and restore the beginning of the disk. */
  readonly write: boolean;
  /** For each network interface, in their order. */
  readonly nics: readonly NicTask[];
  readonly consoles: readonly ConsoleTask[];
}

export interface AcceptanceResult {
  readonly disk: WholeDisk | null;
  /** Bytes written and found again, or null where writing was not allowed. */
  readonly pattern: Pattern | null;
  readonly entropy: { bytes: number; verified: boolean } | null;
  readonly nics: readonly NicResult[];
  readonly consoles: readonly ConsoleResult[];
  readonly latencyUs: LatencySummary;
  /** What each CPU but the first did at the same time. */
  readonly cpus: readonly CpuResult[];
}

const ENTROPY_BYTES = 64;

export default defineGuest(async (guest): Promise<AcceptanceResult> => {
  const args = guest.args as AcceptanceArgs;
  const latency = new LatencyHistogram();
  const disk = guest.virtio.findAll(blk)[0];
  const rng = guest.virtio.findAll(rngDriver)[0];
  const writes = disk !== undefined && !disk.readOnly && args.write;
  const [whole, disks] = await Promise.all([
    disk === undefined ? null : readWhole(guest, disk, args, latency),
    onOtherCpus(guest, { kind: "read", depth: args.depth, chunkBytes: args.chunkBytes }),
  ]);
  const [pattern, patterns] = await Promise.all([
    writes ? checkPattern(disk, args.chunkBytes, guest) : null,
    writes ? onOtherCpus(guest, { kind: "pattern", chunkBytes: args.chunkBytes, cpus: guest.cpus }) : [],
  ]);
  const entropy = rng === undefined ? null : await checkEntropy(rng);
  const { nics, flows } = await exerciseFrames(guest, args.nics);
  return {
    disk: whole,
    pattern,
    entropy,
    nics,
    consoles: await exerciseConsoles(guest, args.consoles),
    latencyUs: latency.summary(),
    cpus: disks.map((disk, index) => ({
      cpu: index + 1,
      disk: disk as CpuDisk,
      pattern: (patterns[index] ?? null) as Pattern | null,
      flows: flows[index] ?? [],
    })),
  };
});

/** On all CPUs at once; what the others have of a spread capture is put to what CPU 0 has of it. */
async function exerciseFrames(guest: GuestContext, planned: readonly NicTask[]) {
  const tasks = planned.map((task) =>
    task.kind === "replay" && task.spread ? { ...task, count: newCount(guest) } : task,
  );
  const interfaces = guest.virtio
    .findAll(net)
    .flatMap(({ mac }, index) => (tasks[index] === undefined ? [] : [{ mac, task: tasks[index] }]));
  const [own, others] = await Promise.all([
    exerciseNics(guest, tasks),
    onOtherCpus(guest, { kind: "frames", interfaces }) as Promise<CpuFrames[]>,
  ]);
  for (const task of tasks)
    if (task.kind === "replay" && task.count !== undefined) guest.memory.free(task.count, 4);
  const replays = others.flatMap((cpu) => cpu.replays);
  const nics = own.map((nic) => {
    const parts = replays.filter(({ mac }) => mac === nic.mac);
    if (parts.length === 0) return nic;
    const all = new FrameBag();
    for (const part of [{ ...nic, digest: nic.sha256 }, ...parts]) all.addAll(part);
    return { ...nic, frames: all.frames, bytes: all.bytes, sha256: all.digest() };
  });
  return { nics, flows: others.map((cpu) => cpu.flows) };
}

/** Two reads of 64 random bytes are never equal, nor all zero. */
async function checkEntropy(rng: Entropy) {
  const first = await rng.read(ENTROPY_BYTES);
  const second = await rng.read(ENTROPY_BYTES);
  const verified = Buffer.compare(first, second) !== 0 && first.some((byte) => byte !== 0);
  return { bytes: first.length + second.length, verified };
}
