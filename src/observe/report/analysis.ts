/**
 * Where each request's time went. A request is a head of a queue from its avail entry to its used element, put together
 * from both threads' events; its stages are cut at the events between, each not before the one before it, so that they
 * add up to the whole by construction, and a stage that a request did not have is 0.
 */
import type { ReadEvent } from "./trace-file.ts";

export const STAGES = ["submit", "kick", "host start", "back-end", "used", "interrupt", "handler"] as const;
export type Stage = (typeof STAGES)[number];

export interface Request {
  /** "00:04.0 queue 0". */
  readonly queue: string;
  readonly head: number;
  /** Microseconds since the machine's epoch. */
  readonly submitted: number;
  readonly totalUs: number;
  readonly stagesUs: Readonly<Record<Stage, number>>;
  /** Its kick and its interrupt were its own (or none was needed). */
  readonly kicked: boolean;
  readonly interrupted: boolean;
}

export interface QueueSaving {
  kicks: number;
  kicksSpared: number;
  interrupts: number;
  interruptsSpared: number;
}

interface Open {
  readonly submit: number;
  publish?: number;
  kick?: number;
  take?: number;
  fill?: number;
  publishUsed?: number;
  interrupt?: number;
}

interface QueueState {
  readonly open: Map<number, Open>;
  readonly saving: QueueSaving;
}

export class Analysis {
  readonly requests: Request[] = [];
  /** Accesses, sleeps and blocked waits by side. */
  readonly counts = new Map<string, number>();
  readonly #queues = new Map<string, QueueState>();
  #events = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = 0;

  get events(): number {
    return this.#events;
  }
  get spanUs(): number {
    return this.#events === 0 ? 0 : this.#last - this.#first;
  }
  get savings(): Readonly<Record<string, QueueSaving>> {
    return Object.fromEntries([...this.#queues].map(([name, { saving }]) => [name, saving]));
  }
  /** Requests that never came back, or whose end is not in the trace. */
  get unfinished(): number {
    return [...this.#queues.values()].reduce((sum, { open }) => sum + open.size, 0);
  }

  add(event: ReadEvent): void {
    this.#events++;
    this.#first = Math.min(this.#first, event.time);
    this.#last = Math.max(this.#last, event.time);
    const key = `${event.side} ${event.kind}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    if (event.kind === "interrupt") this.#interrupt(event.time);
    else if (event.slot >= 0 && event.kind !== "access") this.#step(event);
  }

  #step(event: ReadEvent): void {
    const { kind, value, time } = event;
    if (kind === "isr") {
      this.#signalled(event);
      return;
    }
    const name = `00:${event.slot.toString(16).padStart(2, "0")}.0 queue ${event.place}`;
    const queue = this.#queue(name);
    if (kind === "submit") queue.open.set(value, { submit: time });
    else if (kind === "publish") stamp(queue, "publish", time, () => true);
    else if (kind === "kick") {
      queue.saving.kicks++;
      stamp(queue, "kick", time, (request) => request.publish !== undefined && request.take === undefined);
    } else if (kind === "kickSpared") queue.saving.kicksSpared++;
    else if (kind === "interruptSpared") queue.saving.interruptsSpared++;
    else if (kind === "publishUsed")
      stamp(queue, "publishUsed", time, (request) => request.fill !== undefined);
    else if (kind === "take" || kind === "fill") {
      const request = queue.open.get(value);
      if (request !== undefined) request[kind] ??= time;
    } else if (kind === "collect") this.#finish(name, queue, value, time);
  }

  /** An interrupt of the device: for the queue that published last. */
  #signalled({ slot, value }: ReadEvent): void {
    if ((value & 1) === 0) return;
    const prefix = `00:${slot.toString(16).padStart(2, "0")}.0 `;
    let latest: QueueState | undefined;
    let when = -1;
    for (const [name, queue] of this.#queues) {
      if (!name.startsWith(prefix)) continue;
      for (const { publishUsed } of queue.open.values()) {
        if (publishUsed === undefined || publishUsed <= when) continue;
        when = publishUsed;
        latest = queue;
      }
    }
    if (latest !== undefined) latest.saving.interrupts++;
  }

  /** The guest takes interrupts: for everything that has come back by now. */
  #interrupt(time: number): void {
    for (const queue of this.#queues.values()) {
      stamp(queue, "interrupt", time, (request) => request.publishUsed !== undefined);
    }
  }

  #finish(name: string, queue: QueueState, head: number, time: number): void {
    const open = queue.open.get(head);
    queue.open.delete(head);
    if (open === undefined) return;
    this.requests.push(cut(name, head, open, time));
  }

  #queue(name: string): QueueState {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = { open: new Map(), saving: { kicks: 0, kicksSpared: 0, interrupts: 0, interruptsSpared: 0 } };
      this.#queues.set(name, queue);
    }
    return queue;
  }
}

function stamp(
  queue: QueueState,
  field: "publish" | "kick" | "publishUsed" | "interrupt",
  time: number,
  applies: (request: Open) => boolean,
): void {
  for (const request of queue.open.values()) {
    if (request[field] === undefined && applies(request)) request[field] = time;
  }
}

function cut(queue: string, head: number, open: Open, collected: number): Request {
  const ends = [open.publish, open.kick, open.take, open.fill, open.publishUsed, open.interrupt, collected];
  let at = open.submit;
  const stages = STAGES.map((stage, k) => {
    const end = Math.max(at, Math.min(ends[k] ?? at, collected));
    const length = end - at;
    at = end;
    return [stage, length] as const;
  });
  return {
    queue,
    head,
    submitted: open.submit,
    totalUs: collected - open.submit,
    stagesUs: Object.fromEntries(stages) as Record<Stage, number>,
    kicked: open.kick !== undefined,
    interrupted: open.interrupt !== undefined,
  };
}
