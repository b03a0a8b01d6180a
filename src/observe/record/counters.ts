/** Counters of one queue, one side. Plain numbers on an object that only its own thread writes. */

export class QueueCounters {
  requests = 0;
  bytes = 0;
  kicksSent = 0;
  kicksSuppressed = 0;
  /** Kicks that arrived (device side). */
  kicksReceived = 0;
  interruptsSent = 0;
  interruptsSuppressed = 0;
  /** Callbacks that found nothing used, or kicks that found nothing available. */
  spurious = 0;
}

/** What another life of the queue has counted, or another queue. */
export function addCounters(total: QueueCounters, more: Readonly<QueueCounters>): QueueCounters {
  for (const name of Object.keys(total) as (keyof QueueCounters)[]) total[name] += more[name];
  return total;
}
