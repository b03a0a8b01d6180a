/** The machine as it lies in shared memory, decoded from the main thread: works while both workers are stuck. */
import { readCard } from "../bus/function-card.ts";
import { type DumpedQueue, dumpQueue } from "../monitor/dump.ts";
import { formatBdf } from "../wire/pci.ts";
import { describeStatus } from "../wire/status.ts";
import { VIRTIO_TYPE } from "../wire/virtio-ids.ts";
import { type AttachedParts, describeControl } from "./shared-parts.ts";

export interface FunctionSnapshot {
  readonly name: string;
  readonly status: string;
  readonly features: number;
  readonly isr: number;
  readonly kickPending: boolean;
  readonly queues: readonly DumpedQueue[];
}

export interface Snapshot {
  /** Milliseconds since the machine was made. */
  readonly time: number;
  readonly hostAsleep: boolean;
  readonly guestAsleep: boolean;
  readonly control: ReturnType<typeof describeControl>;
  readonly functions: readonly FunctionSnapshot[];
}

export function takeSnapshot(parts: AttachedParts, time: number): Snapshot {
  const control = describeControl(parts);
  const hostAsleep = [control.hostDoorbell, ...control.ioThreads.map(({ doorbell }) => doorbell)].every(
    ({ sleepers }) => sleepers > 0,
  );
  const guestAsleep = control.cpus.every(({ doorbell }) => doorbell.sleepers > 0);
  const functions = parts.plan.functions.flatMap((plan, index) => {
    const card = readCard(parts.control, plan.card);
    if (card === undefined) return [];
    const kicked = (summary: number): boolean => ((summary >>> index) & 1) === 1;
    const kickPending = [control, ...control.ioThreads].some(({ kickSummary }) => kicked(kickSummary));
    const isr = control.functions[index]?.isr ?? 0;
    const interruptPending = control.cpus.some(({ pendingSummary }) => pendingSummary !== 0);
    const around = { features: card.features, guestAsleep, kickPending, interruptPending };
    /** Of the thread that serves the queue. */
    const asleep = (queue: number): boolean => {
      const thread = parts.control.load32(plan.servers + 4 * queue, 0);
      return (control.ioThreads[thread - 1]?.doorbell ?? control.hostDoorbell).sleepers > 0;
    };
    return [
      {
        name: nameOf(card),
        status: describeStatus(card.status),
        features: card.features,
        isr,
        kickPending,
        queues: card.queues.flatMap(
          (queue) => dumpQueue(parts.ram, queue, { ...around, hostAsleep: asleep(queue.index) }) ?? [],
        ),
      },
    ];
  });
  return { time, hostAsleep, guestAsleep, control, functions };
}

function nameOf({ slot, virtioId }: { readonly slot: number; readonly virtioId: number }): string {
  const type = Object.entries(VIRTIO_TYPE).find(([, { id }]) => id === virtioId)?.[0];
  return `${formatBdf({ bus: 0, slot, function: 0 })} ${type ?? `type ${virtioId}`}`;
}
