/**
 * One virtual CPU of a small machine: its interrupt core, its end of the port mailbox, and the idle loop. Process
 * context calls drivers with interrupts off (`locked`), which is the lock of a one-processor kernel.
 */
import { InterruptController } from "../../bus/interrupt-controller.ts";
import { KickSender } from "../../bus/kick.ts";
import { MailboxBus } from "../../bus/mailbox.ts";
import type { PortBus, Width } from "../../bus/port-bus.ts";
import { WatchedBus } from "../../bus/watched-bus.ts";
import { IrqCore } from "../../guest/irq.ts";
import { Doorbell } from "../../memory/doorbell.ts";
import type { Observer } from "../../monitor/observer.ts";
import { KICKS, NotificationLedger } from "../oracles/notifications.ts";
import type { ThreadContext, ThreadProgram } from "../scenario.ts";
import { FIRST_MESSAGE_IRQ } from "./layout.ts";

/** Vectors 0x30 to 0xef. */
const MESSAGE_IRQS = 192;

/** A port access is one instruction: interrupts come before it or after it. */
class InstructionBus extends MailboxBus {
  busy = false;

  override in(port: number, width: Width): number {
    return this.#instruction(() => super.in(port, width));
  }
  override out(port: number, width: Width, value: number): void {
    this.#instruction(() => super.out(port, width, value));
  }
  override mmioRead(address: number, width: Width): number {
    return this.#instruction(() => super.mmioRead(address, width));
  }
  override mmioWrite(address: number, width: Width, value: number): void {
    this.#instruction(() => super.mmioWrite(address, width, value));
  }

  #instruction<T>(access: () => T): T {
    this.busy = true;
    const result = access();
    this.busy = false;
    return result;
  }
}

export class GuestCpu {
  readonly irq: IrqCore;
  readonly bus: PortBus;
  readonly doorbell: Doorbell;
  readonly source: InterruptController;
  /** Where statements are checked. */
  readonly observer: Observer | undefined;
  readonly #instructions: InstructionBus;

  constructor(context: ThreadContext, cpu = 0, options: { kickFastPath?: boolean } = {}) {
    const { control, plan } = context;
    const own = plan.cpus[cpu];
    if (own === undefined) throw new RangeError(`no CPU ${cpu}`);
    this.doorbell = new Doorbell(control, own.doorbell);
    const host = new Doorbell(control, plan.hostDoorbell);
    const kicks = (options.kickFastPath ?? true) ? new KickSender(control, plan, host) : undefined;
    this.#instructions = new InstructionBus(control, own, { host, cpu: this.doorbell }, kicks, {
      deadlineMs: Number.POSITIVE_INFINITY,
      spins: 1,
    });
    this.observer = context.watchStatements?.("driver");
    this.bus =
      this.observer === undefined
        ? this.#instructions
        : new WatchedBus(this.#instructions, this.observer.access);
    this.source = new InterruptController(control, plan, cpu, this.doorbell);
    this.irq = new IrqCore(this.source, () => {}, cpu);
    new NotificationLedger(context, KICKS);
  }

  /** Whether a message irq was allocated; they come in order. */
  hasMessage(irq: number): boolean {
    return this.irq.availableMsi <= MESSAGE_IRQS - (irq - FIRST_MESSAGE_IRQ + 1);
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
    else {
      this.observer?.sleep(0, true);
      this.doorbell.sleep(ticket, Number.POSITIVE_INFINITY);
    }
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
        accepts: () => this.irq.accepts && !this.#instructions.busy,
        interrupt: () => void this.irq.poll(),
      },
      ...more,
    };
  }
}
