/**
 * Kick fast path: a 16-bit write to a queue's notify register is a bit in shared memory and a ring of the host's
 * doorbell; no record, no reply (KVM's ioeventfd). The host publishes each function's notify port while its
 * I/O BAR decodes; with no port published, kicks go through the mailbox like any other write.
 */
import type { Doorbell } from "../memory/doorbell.ts";
import { type ControlPlan, KICK_WORDS, MAX_QUEUES } from "../memory/plan.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { site } from "../wire/sites.ts";

const LOOK_UP = site("kick: look up notify port");
const PUBLISH = site("kick: publish notify port");
const SET = site("kick: set bit");
const TAKE = site("kick: take bits");

export class KickSender {
  readonly #memory: SharedMemory;
  readonly #plan: ControlPlan;
  readonly #doorbell: Doorbell;

  constructor(memory: SharedMemory, plan: ControlPlan, hostDoorbell: Doorbell) {
    this.#memory = memory;
    this.#plan = plan;
    this.#doorbell = hostDoorbell;
  }

  /** True if `port` is a notify register on the fast path and the kick was sent. */
  tryKick(port: number, queue: number): boolean {
    const { functions } = this.#plan;
    for (let index = 0; index < functions.length; index++) {
      const plan = functions[index];
      if (plan === undefined) break;
      const published = this.#memory.load32(plan.notifyPort, LOOK_UP);
      if ((published & 0xffff) !== port || published === 0) continue;
      if (queue >= published >>> 16) return false;
      // Ordering J: the queue's bit, then the function's; Ordering I: the work, then the bell.
      this.#memory.or32(plan.kicks + 4 * (queue >>> 5), 1 << (queue & 31), SET);
      this.#memory.or32(this.#plan.kickSummary, 1 << index, SET);
      this.#doorbell.ring();
      return true;
    }
    return false;
  }
}

export class KickReceiver {
  readonly #memory: SharedMemory;
  readonly #plan: ControlPlan;

  constructor(memory: SharedMemory, plan: ControlPlan) {
    this.#memory = memory;
    this.#plan = plan;
  }

  /**
   * Puts a function's notify port on the fast path for its first `queues` queues, or (port 0) takes it off. Queues
   * that the bitmap has no bit for stay on the slow path.
   */
  publish(functionIndex: number, port: number, queues: number): void {
    const plan = this.#plan.functions[functionIndex];
    if (plan === undefined) return;
    const word = port === 0 ? 0 : port | (Math.min(queues, MAX_QUEUES) << 16);
    this.#memory.store32(plan.notifyPort, word, PUBLISH);
  }

  pending(): boolean {
    return this.#memory.load32(this.#plan.kickSummary, TAKE) !== 0;
  }

  /**
   * Takes every kick, in function and queue order. Take before serving the mailbox and run the queues after it: a
   * register write posted before a kick is then served before the kick.
   */
  take(kicked: (functionIndex: number, queue: number) => void): void {
    if (!this.pending()) return;
    // Ordering J: the summary, then the bits.
    let summary = this.#memory.exchange32(this.#plan.kickSummary, 0, TAKE);
    while (summary !== 0) {
      const index = 31 - Math.clz32(summary & -summary);
      summary &= summary - 1;
      const plan = this.#plan.functions[index];
      if (plan === undefined) continue;
      for (let word = 0; word < KICK_WORDS; word++) {
        let bits = this.#memory.load32(plan.kicks + 4 * word, TAKE);
        if (bits === 0) continue;
        bits = this.#memory.exchange32(plan.kicks + 4 * word, 0, TAKE);
        while (bits !== 0) {
          kicked(index, 32 * word + (31 - Math.clz32(bits & -bits)));
          bits &= bits - 1;
        }
      }
    }
  }
}
