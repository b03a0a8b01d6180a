/** The three interrupt handlers of a virtio-pci device. Each answers whether the interrupt was its own. */
import { ISR } from "../../wire/legacy-registers.ts";
import type { DriverQueue } from "../virtqueue/driver-queue.ts";
import type { LegacyRegisters } from "./registers.ts";

const ISR_GONE = 0xff;

/** A queue and what its driver wants to hear of it. */
export interface ActiveQueue {
  readonly queue: DriverQueue<never>;
  readonly callback: ((queue: DriverQueue<never>) => void) | undefined;
  /** Set where another CPU has the queue: passes the interrupt on. */
  elsewhere?: () => void;
}

/** Offers the interrupt to one queue. A broken one is shown to its driver, so that requests do not wait forever. */
export function queueInterrupt({ queue, callback, elsewhere }: ActiveQueue): boolean {
  if (elsewhere !== undefined) {
    elsewhere();
    return true;
  }
  if (!queue.hasUsed && queue.broken === undefined) return false;
  callback?.(queue);
  return true;
}

export class Interrupts {
  protected readonly registers: LegacyRegisters;
  readonly #queues: Iterable<ActiveQueue>;
  readonly #configChanged: () => void;

  constructor(registers: LegacyRegisters, queues: Iterable<ActiveQueue>, configChanged: () => void) {
    this.registers = registers;
    this.#queues = queues;
    this.#configChanged = configChanged;
  }

  readonly config = (): boolean => {
    this.#configChanged();
    return true;
  };

  /** Every queue is asked, whichever the interrupt was for. Handlers run with interrupts off: that is the lock. */
  readonly allQueues = (): boolean => {
    let handled = false;
    for (const active of this.#queues) if (queueInterrupt(active)) handled = true;
    return handled;
  };

  readonly line = (): boolean => this.serveLine();

  /**
   * The read clears ISR and lowers the line, so it comes once, and before the rings are looked at: a callback may
   * kick the host, and an acknowledge after that would eat the host's next interrupt. Whatever the rings say then,
   * the line was ours.
   */
  protected serveLine(): boolean {
    const isr = this.registers.read("isr");
    // All ones is nobody's answer: the device sleeps or was pulled out, and a sharer's interrupt is not its own.
    if (isr === 0 || isr === ISR_GONE) return false;
    if ((isr & ISR.CONFIG) !== 0) this.config();
    this.allQueues();
    return true;
  }
}
