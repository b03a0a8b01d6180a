/**
 * The acceptance workload's part on each CPU but the first, at the same time as CPU 0's: the disk read through queues of
 * its own, a pattern in an area of its own, a flow of frames on queue pairs of its own.
 */
import { blk, net } from "../../drivers/index.ts";
import { defineGuest, type GuestContext } from "../../guest/define.ts";
import { LatencyHistogram } from "../../observe/record/histogram.ts";
import { checkPattern, type Pattern, readWhole, type WholeDisk } from "./disks.ts";
import { exerciseFlow, type FlowResult } from "./flow.ts";
import { type NicTask, QUIET_MS } from "./nics.ts";
import { type BagSummary, collectSpread } from "./spread-replay.ts";

export type CpuTask =
  | { readonly kind: "read"; readonly depth: number; readonly chunkBytes: number }
  | { readonly kind: "pattern"; readonly chunkBytes: number; readonly cpus: number }
  | { readonly kind: "frames"; readonly interfaces: readonly NicOfTask[] };

/** By its address: a CPU has the interfaces that have queues for it. */
export interface NicOfTask {
  readonly mac: string;
  readonly task: NicTask;
}

/** Null where the CPU has no queue of the first disk. */
export type CpuDisk = WholeDisk | null;
/** By interface of which the CPU has queues. */
export interface CpuFrames {
  readonly flows: readonly FlowResult[];
  /** Its part of captures that are spread over the CPUs. */
  readonly replays: readonly (BagSummary & { readonly mac: string })[];
}

export interface CpuResult {
  readonly cpu: number;
  readonly disk: CpuDisk;
  readonly pattern: Pattern | null;
  readonly flows: readonly FlowResult[];
}

const SELF = new URL(import.meta.url);
const FRAMES = 1000;

/** What each other CPU makes of the task, in their order. */
export const onOtherCpus = (guest: GuestContext, task: CpuTask): Promise<unknown[]> =>
  Promise.all(Array.from({ length: guest.cpus - 1 }, (_, index) => guest.runOn(index + 1, SELF, task)));

export default defineGuest(async (guest): Promise<CpuDisk | Pattern | CpuFrames> => {
  const { virtio, cpu } = guest;
  const task = guest.args as CpuTask;
  const [disk] = virtio.findAll(blk);
  switch (task.kind) {
    case "read":
      return disk === undefined ? null : readWhole(guest, disk, fitting(guest, task), new LatencyHistogram());
    case "pattern":
      return disk === undefined ? null : checkPattern(disk, task.chunkBytes, { cpu, cpus: task.cpus });
    case "frames":
      return exerciseFrames(guest, task.interfaces);
  }
});

/** All buffers together take half of the CPU's memory at most. */
function fitting({ memory }: GuestContext, { depth, chunkBytes }: { depth: number; chunkBytes: number }) {
  const room = 2 ** Math.floor(Math.log2(memory.freeBytes / 2 / depth));
  return { depth, chunkBytes: Math.max(4096, Math.min(chunkBytes, room)) };
}

async function exerciseFrames(guest: GuestContext, interfaces: readonly NicOfTask[]): Promise<CpuFrames> {
  const own = guest.virtio.findAll(net).flatMap((nic) => {
    const task = interfaces.find(({ mac }) => mac === nic.mac)?.task;
    return task === undefined ? [] : [{ nic, task }];
  });
  const flows = own.filter(({ task }) => task.kind === "loop");
  const replays = own.flatMap(({ nic, task }) =>
    task.kind === "replay" && task.count !== undefined
      ? [{ nic, total: task.frames, count: task.count }]
      : [],
  );
  const [flowResults, bags] = await Promise.all([
    Promise.all(flows.map(({ nic }) => exerciseFlow(nic, guest.cpu, FRAMES))),
    Promise.all(
      replays.map(async ({ nic, ...counted }) => {
        const bag = await collectSpread(guest, nic, { ...counted, quietMs: QUIET_MS });
        return { mac: nic.mac, ...bag.summary() };
      }),
    ),
  ]);
  return { flows: flowResults, replays: bags };
}
