/**
 * Kick fast path: a 16-bit write to a queue's notify register is a bit in shared memory and a ring of a host thread's
 * doorbell; no record, no reply (KVM's ioeventfd). The host publishes each function's notify port while its
 * I/O BAR decodes; with no port published, kicks go through the mailbox like any other write.
 *
 * Which thread is kicked stands beside the port, for each queue: the host's first thread, or the I/O thread that serves
 * the queue. The first thread passes a kick on that has come to it for another's queue.
 *
 * Fields are `private` and not `#private` for the reason that `LiveMemory` has.
 */
import { Doorbell } from "../memory/doorbell.ts";
import { type ControlPlan, KICK_WORDS, type KickPlan, MAX_QUEUES, mainKicks } from "../memory/plan.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { site } from "../wire/sites.ts";

const LOOK_UP = site("kick: look up notify port");
const PUBLISH = site("kick: publish notify port");
const SET = site("kick: set bit");
const TAKE = site("kick: take bits");
const LOOK_UP_THREAD = site("kick: look up thread");
const PUBLISH_THREAD = site("kick: publish thread");

/** Where kicks for one thread are put. */
export class KickTarget {
  private readonly memory: SharedMemory;
  private readonly plan: KickPlan;
  private readonly doorbell: Doorbell;

  constructor(memory: SharedMemory, plan: KickPlan, doorbell: Doorbell) {
    this.memory = memory;
    this.plan = plan;
    this.doorbell = doorbell;
  }

  kick(functionIndex: number, queue: number): void {
    const bits = this.plan.kicks[functionIndex];
    if (bits === undefined) return;
    // Ordering J: the queue's bit, then the function's; Ordering I: the work, then the bell.
    this.memory.or32(bits + 4 * (queue >>> 5), 1 << (queue & 31), SET);
    this.memory.or32(this.plan.kickSummary, 1 << functionIndex, SET);
    this.doorbell.ring();
  }
}

/** The I/O threads' kicks, by their numbers less one. */
export const ioKickTargets = (memory: SharedMemory, plan: ControlPlan): KickTarget[] =>
  plan.ioThreads.map((thread) => new KickTarget(memory, thread, new Doorbell(memory, thread.doorbell)));

const NOTHING_POSTED = (): boolean => false;

export class KickSender {
  private readonly memory: SharedMemory;
  private readonly plan: ControlPlan;
  private readonly main: KickTarget;
  private readonly io: readonly KickTarget[];

  constructor(memory: SharedMemory, plan: ControlPlan, hostDoorbell: Doorbell) {
    this.memory = memory;
    this.plan = plan;
    this.main = new KickTarget(memory, mainKicks(plan), hostDoorbell);
    this.io = ioKickTargets(memory, plan);
  }

  /**
   * True if `port` is a notify register on the fast path and the kick was sent. `posted` says whether the host has yet
   * to serve a register write that came before: the kick then goes through the thread that does.
   */
  tryKick(port: number, queue: number, posted: () => boolean = NOTHING_POSTED): boolean {
    const { functions } = this.plan;
    for (let index = 0; index < functions.length; index++) {
      const plan = functions[index];
      if (plan === undefined) break;
      const published = this.memory.load32(plan.notifyPort, LOOK_UP);
      if ((published & 0xffff) !== port || published === 0) continue;
      if (queue >= published >>> 16) return false;
      this.target(plan.servers + 4 * queue, posted).kick(index, queue);
      return true;
    }
    return false;
  }

  private target(server: number, posted: () => boolean): KickTarget {
    if (this.io.length === 0) return this.main;
    const thread = this.memory.load32(server, LOOK_UP_THREAD);
    const target = this.io[thread - 1];
    return target === undefined || posted() ? this.main : target;
  }
}

/** A host thread's end; the first thread's, unless another's place is given. */
export class KickReceiver {
  private readonly memory: SharedMemory;
  private readonly plan: ControlPlan;
  private readonly own: KickPlan;

  constructor(memory: SharedMemory, plan: ControlPlan, own: KickPlan = mainKicks(plan)) {
    this.memory = memory;
    this.plan = plan;
    this.own = own;
  }

  /**
   * Puts a function's notify port on the fast path for its first `queues` queues, or (port 0) takes it off. Queues
   * that the bitmap has no bit for stay on the slow path.
   */
  publish(functionIndex: number, port: number, queues: number): void {
    const plan = this.plan.functions[functionIndex];
    if (plan === undefined) return;
    const word = port === 0 ? 0 : port | (Math.min(queues, MAX_QUEUES) << 16);
    this.memory.store32(plan.notifyPort, word, PUBLISH);
  }

  /** From now on a queue's kicks go to this thread; 0: the host's first. */
  publishServer(functionIndex: number, queue: number, thread: number): void {
    const plan = this.plan.functions[functionIndex];
    if (plan !== undefined && queue < MAX_QUEUES)
      this.memory.store32(plan.servers + 4 * queue, thread, PUBLISH_THREAD);
  }

  pending(): boolean {
    return this.memory.load32(this.own.kickSummary, TAKE) !== 0;
  }

  /**
   * Takes every kick, in function and queue order. Take before serving the mailbox and run the queues after it: a
   * register write posted before a kick is then served before the kick.
   */
  take(kicked: (functionIndex: number, queue: number) => void): void {
    if (!this.pending()) return;
    // Ordering J: the summary, then the bits.
    let summary = this.memory.exchange32(this.own.kickSummary, 0, TAKE);
    while (summary !== 0) {
      const index = 31 - Math.clz32(summary & -summary);
      summary &= summary - 1;
      const bitmap = this.own.kicks[index];
      if (bitmap === undefined) continue;
      for (let word = 0; word < KICK_WORDS; word++) {
        let bits = this.memory.load32(bitmap + 4 * word, TAKE);
        if (bits === 0) continue;
        bits = this.memory.exchange32(bitmap + 4 * word, 0, TAKE);
        while (bits !== 0) {
          kicked(index, 32 * word + (31 - Math.clz32(bits & -bits)));
          bits &= bits - 1;
        }
      }
    }
  }
}
