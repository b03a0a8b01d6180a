/**
 * A host thread beside the first: it serves the queues that the first one hands to it, each from its first kick to the
 * device's reset, and raises their interrupts by itself. It has no registers and no mailbox. As `Host`, it never blocks
 * and never sleeps; `poll` does one turn of work.
 */
import { InterruptController } from "../bus/interrupt-controller.ts";
import { IntxPin } from "../bus/intx.ts";
import { KickReceiver } from "../bus/kick.ts";
import { Msix } from "../bus/msix.ts";
import { ThreadCallee } from "../bus/thread-call.ts";
import { Doorbell } from "../memory/doorbell.ts";
import type { ControlPlan } from "../memory/plan.ts";
import type { Ram } from "../memory/ram.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { BackEndWork } from "./back-end-work.ts";
import type { DevicePart } from "./device.ts";
import { FunctionInterrupts } from "./function-interrupts.ts";
import { IoPart } from "./io-part.ts";
import type { IoRequest } from "./io-queues.ts";
import type { LoopWork } from "./loop.ts";
import type { Violation } from "./violation.ts";
import { intxLine } from "./virtio-function.ts";

/** A device as an I/O thread is told of it, before it is plugged in. */
export interface PartFacts {
  readonly part: number;
  /** "00:04.0 blk". */
  readonly name: string;
  readonly slot: number;
  readonly msixVectors: number;
  readonly queues: readonly { readonly name: string; readonly size: number }[];
}

export interface IoThreadOptions {
  readonly ram: Ram;
  readonly control: SharedMemory;
  readonly plan: ControlPlan;
  /** Counted from 1. */
  readonly thread: number;
  /** What the call that is there asks for. */
  readonly nextRequest: () => IoRequest;
  readonly violated: (violation: Violation) => void;
  readonly log: (message: string) => void;
}

export class IoThread implements LoopWork {
  readonly work = new BackEndWork();
  readonly #options: IoThreadOptions;
  readonly #controllers: readonly InterruptController[];
  readonly #kicks: KickReceiver;
  readonly #callee: ThreadCallee;
  readonly #parts = new Map<number, IoPart>();
  /** By the place of its function in the memory plan: the part that has queues here. */
  readonly #served: (IoPart | undefined)[];
  readonly #taken: number[] = [];
  readonly #collect = (functionIndex: number, queue: number): void => {
    this.#taken.push(functionIndex, queue);
  };

  constructor(options: IoThreadOptions) {
    const { control, plan, thread } = options;
    const own = plan.ioThreads[thread - 1];
    if (own === undefined) throw new RangeError(`there is no I/O thread ${thread} in the memory plan`);
    const host = new Doorbell(control, plan.hostDoorbell);
    this.#options = options;
    this.#controllers = plan.cpus.map(
      (cpu, index) => new InterruptController(control, plan, index, new Doorbell(control, cpu.doorbell)),
    );
    this.#kicks = new KickReceiver(control, plan, own);
    this.#callee = new ThreadCallee(control, own, host);
    this.#served = plan.functions.map(() => undefined);
  }

  get parts(): readonly IoPart[] {
    return [...this.#parts.values()];
  }

  /** Of a function that has queues here. */
  slotOf(functionIndex: number): number | undefined {
    return this.#served[functionIndex]?.slot;
  }

  /** This thread's part of a device that will be plugged in. */
  addPart(facts: PartFacts, model: DevicePart): void {
    const { ram, violated, log } = this.#options;
    this.#parts.set(
      facts.part,
      new IoPart(facts, model, {
        ram,
        violated,
        mustYield: () => this.#callee.pending(),
        ioStarted: () => this.work.started(),
        log: (message) => log(`${facts.name}: ${message}`),
        interruptsAt: (functionIndex) => this.#interrupts(facts, functionIndex),
      }),
    );
  }

  /** After the device was unplugged: releases what the part holds. */
  async removePart(part: number): Promise<void> {
    const removed = this.#parts.get(part);
    this.#parts.delete(part);
    this.#served.forEach((served, index) => {
      if (served === removed) this.#served[index] = undefined;
    });
    await removed?.model.close?.();
  }

  /** One turn; true if anything was done. */
  poll(): boolean {
    // As the first thread does: what was handed over before a kick is here when the kick is looked at.
    this.#taken.length = 0;
    this.#kicks.take(this.#collect);
    let worked = this.#callee.take(() => this.perform(this.#options.nextRequest()));
    for (let i = 0; i < this.#taken.length; i += 2) {
      this.#served[this.#taken[i] ?? -1]?.kick(this.#taken[i + 1] ?? -1);
      worked = true;
    }
    for (const part of this.#served) {
      if (part === undefined || !part.runnable) continue;
      part.run();
      worked = true;
    }
    return worked;
  }

  /** Ordering I: the announcement of a sleep, then this. */
  hasWork(): boolean {
    return this.#kicks.pending() || this.#callee.pending() || this.#served.some((part) => part?.runnable);
  }

  perform(request: IoRequest): void | Promise<void> {
    const part = this.#parts.get(request.part);
    if (part === undefined) throw new Error(`there is no part ${request.part} here to ${request.kind}`);
    switch (request.kind) {
      case "attach":
        this.#served[request.functionIndex] = part;
        return part.attach(request);
      case "changed":
        return part.follow(request.state);
      case "shared":
        return part.model.shared?.(request.share);
      case "detach":
        return part.detach(request.queue);
      case "reset":
        return part.reset();
    }
  }

  describe() {
    return {
      callPending: this.#callee.pending(),
      kicksPending: this.#kicks.pending(),
      ioOutstanding: this.work.outstanding,
      functions: this.parts.map((part) => part.describe()),
    };
  }

  #interrupts({ slot, msixVectors, queues }: PartFacts, functionIndex: number): FunctionInterrupts {
    const { control, plan } = this.#options;
    const [first] = this.#controllers;
    const shared = plan.functions[functionIndex];
    if (first === undefined || shared === undefined) throw new RangeError(`no function ${functionIndex}`);
    const pin = new IntxPin(control, plan, functionIndex, intxLine(slot), first);
    const msix = new Msix(control, shared, msixVectors, this.#controllers, { attach: true });
    return new FunctionInterrupts(pin, msix, queues.length);
  }
}
