/**
 * One virtual CPU of a small machine: its interrupt core, its end of the port mailbox, and the idle loop. Process
 * context calls drivers with interrupts off (`locked`), which is the lock of a one-processor kernel.
 */
import { InterruptController } from "../../bus/interrupt-controller.ts";
import { KickSender } from "../../bus/kick.ts";
import { MailboxBus } from "../../bus/mailbox.ts";
import { IrqCore } from "../../guest/irq.ts";
import { Doorbell } from "../../memory/doorbell.ts";
import type { ThreadContext, ThreadProgram } from "../scenario.ts";

export class GuestCpu {
  readonly irq: IrqCore;
  readonly bus: MailboxBus;
  readonly doorbell: Doorbell;
  readonly source: InterruptController;

  constructor({ control, plan }: ThreadContext, cpu = 0, options: { kickFastPath?: boolean } = {}) {
    const own = plan.cpus[cpu];
    if (own === undefined) throw new RangeError(`no CPU ${cpu}`);
    this.doorbell = new Doorbell(control, own.doorbell);
    const host = new Doorbell(control, plan.hostDoorbell);
    const kicks = (options.kickFastPath ?? true) ? new KickSender(control, plan, host) : undefined;
    this.bus = new MailboxBus(control, own, { host, cpu: this.doorbell }, kicks, {
      deadlineMs: Number.POSITIVE_INFINITY,
      spins: 1,
    });
    this.source = new InterruptController(control, plan, cpu, this.doorbell);
    this.irq = new IrqCore(this.source, () => {}, cpu);
  }

  locked<T>(work: () => T): T {
    this.irq.disable();
    const result = work();
    this.irq.enable();
    return result;
  }

  /** Sleeps until an interrupt has been taken; as a halted processor, it cannot miss one. */
  idle(): void {
    this.irq.disable();
    // Ordering I: announce, then look for work.
    const ticket = this.doorbell.announce();
    if (this.source.pending()) this.doorbell.cancel();
    else this.doorbell.sleep(ticket, Number.POSITIVE_INFINITY);
    this.irq.enable();
  }

  /** The process's code, then nothing but interrupts, until nobody moves any more. */
  program(process: () => void, more: Partial<ThreadProgram> = {}): ThreadProgram {
    return {
      run: () => {
        process();
        for (;;) this.idle();
      },
      processor: {
        accepts: () => this.irq.accepts,
        interrupt: () => void this.irq.poll(),
      },
      ...more,
    };
  }
}
