/**
 * Queues that are served by I/O threads, as the host's first thread has them. It keeps PCI, registers, status, reset and
 * configuration; a queue that another thread may serve is handed to one when the driver gives it its ring, fresh, and
 * taken back before anything else may become of its memory. Whatever an I/O thread needs to know it is told by calls that
 * are waited for (ordering letter M), so that a driver whose register write has been served meets no thread that has not
 * heard of it.
 */
import type { KickReceiver, KickTarget } from "../bus/kick.ts";
import type { InterruptState } from "./function-interrupts.ts";

/** What a thread's part of a device works by. Plain data. */
export interface PartState {
  /** Accepted by the driver. */
  readonly features: number;
  /** Device configuration as the driver reads it. */
  readonly config: Uint8Array;
  /** Resets of the device so far. */
  readonly epoch: number;
  /** The device may touch RAM: bus mastering and power are on. */
  readonly running: boolean;
  readonly interrupts: InterruptState;
}

/** What the host's first thread asks of an I/O thread. `part` is the number of a device, never used again. */
export type IoRequest =
  | {
      readonly kind: "attach";
      readonly part: number;
      readonly functionIndex: number;
      readonly state: PartState;
      readonly queue: number;
      /** Page of its ring, which lies in RAM. */
      readonly pfn: number;
    }
  /** The state is another, or was masked in the control page; done when nothing of before is under way. */
  | { readonly kind: "changed"; readonly part: number; readonly state: PartState }
  /** The model has new storage or the like to share. */
  | { readonly kind: "shared"; readonly part: number; readonly share: unknown }
  /** One queue is taken down; done when it is let go of. */
  | { readonly kind: "detach"; readonly part: number; readonly queue: number }
  /** All are, and nothing of them that is under way can reach the device's storage any more. */
  | { readonly kind: "reset"; readonly part: number };

/** The I/O threads, as the host's first thread sees them. They are counted from 1. */
export interface IoThreads {
  readonly count: number;
  /** Returns when the thread has done it. Throws where it has not for too long. */
  call(thread: number, request: IoRequest): void;
  /** Every thread releases what its part of an unplugged device holds. */
  removePart(part: number): Promise<void>;
}

export interface IoQueuesOptions {
  readonly threads: IoThreads;
  readonly part: number;
  readonly functionIndex: number;
  /** Those that an I/O thread may serve. */
  readonly queues: readonly number[];
  readonly kicks: KickReceiver;
  readonly targets: readonly KickTarget[];
  readonly state: () => PartState;
}

export class IoQueues {
  readonly #options: IoQueuesOptions;
  readonly #eligible: ReadonlySet<number>;
  /** The thread of each queue that is handed over. */
  readonly #out = new Map<number, number>();
  /** How many want that nothing is served. */
  #still = 0;
  #unplugged = false;

  constructor(options: IoQueuesOptions) {
    this.#options = options;
    this.#eligible = new Set(options.queues);
  }

  takes(queue: number): boolean {
    return this.#eligible.has(queue);
  }

  /** 0: the host's first. */
  threadOf(queue: number): number {
    return this.#out.get(queue) ?? 0;
  }

  attach(queue: number, pfn: number): void {
    const { part, functionIndex, threads, kicks } = this.#options;
    const thread = 1 + ((functionIndex + queue) % threads.count);
    threads.call(thread, { kind: "attach", part, functionIndex, state: this.#state(), queue, pfn });
    this.#out.set(queue, thread);
    kicks.publishServer(functionIndex, queue, thread);
  }

  /** False: the queue is not with another thread. */
  passKick(queue: number): boolean {
    const target = this.#options.targets[this.threadOf(queue) - 1];
    target?.kick(this.#options.functionIndex, queue);
    return target !== undefined;
  }

  detach(queue: number): void {
    const thread = this.#out.get(queue);
    if (thread === undefined) return;
    this.#forget(queue);
    this.#options.threads.call(thread, { kind: "detach", part: this.#options.part, queue });
  }

  /** The device is reset: every queue comes back. */
  reset(): void {
    const threads = this.#threads();
    for (const queue of this.#out.keys()) this.#forget(queue);
    for (const thread of threads)
      this.#options.threads.call(thread, { kind: "reset", part: this.#options.part });
  }

  /** Tells the threads that have queues of the device what it is like now. */
  changed(): void {
    for (const thread of this.#threads()) {
      this.#options.threads.call(thread, { kind: "changed", part: this.#options.part, state: this.#state() });
    }
  }

  /** Every I/O thread's part of the device gets it, whether it has queues or not. */
  share(share: unknown): void {
    if (this.#unplugged) return;
    for (let thread = 1; thread <= this.#options.threads.count; thread++) {
      this.#options.threads.call(thread, { kind: "shared", part: this.#options.part, share });
    }
  }

  /** No queue is served until what is returned is called (by each that asked); what was begun may still end. */
  standStill(): () => void {
    this.#still++;
    this.changed();
    return () => {
      this.#still--;
      this.changed();
    };
  }

  /** After a reset, the last one: there are no parts any more. */
  unplug(): void {
    this.#unplugged = true;
  }

  #threads(): ReadonlySet<number> {
    return new Set(this.#out.values());
  }

  /** Kicks come here again. */
  #forget(queue: number): void {
    this.#out.delete(queue);
    this.#options.kicks.publishServer(this.#options.functionIndex, queue, 0);
  }

  #state(): PartState {
    const state = this.#options.state();
    return this.#still > 0 ? { ...state, running: false } : state;
  }
}
