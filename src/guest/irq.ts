/**
 * The interrupt core of one virtual CPU: handlers by irq number, local disable and enable, and the counts of
 * `/proc/interrupts`. Irq 0-15 are the system's own, 16-19 the INTx lines 0-3 (level, shared), 24 and up are message
 * vectors (edge).
 *
 * Handlers run where the guest polls, idles or re-enables interrupts, and never inside one another.
 */
import type { InterruptSource } from "../bus/interrupt-source.ts";
import { SYSTEM_IRQS } from "../wire/hot-plug.ts";
import { CALL_IRQ, QUEUES_IRQ } from "./cpus.ts";
import { irqOfVector, type MessageFor, type MsiMessage, MsiVectors } from "./msi-vectors.ts";
import { type Log, ProbeError } from "./probe-error.ts";

export const FIRST_LINE_IRQ = 16;
const LINE_COUNT = 4;
/** A level line that stays up unhandled this often in a row is switched off, as Linux does. */
const UNHANDLED_MAX = 1000;
/** Rounds of one poll, and turns of one line in it: then the caller has its turn. */
const ROUNDS_MAX = 16;
const LINE_TURNS_MAX = 2 * UNHANDLED_MAX;

/** True: the interrupt was this handler's. */
export type IrqHandler = (irq: number) => boolean;

interface Action {
  readonly handler: IrqHandler;
  readonly name: string;
  readonly cookie: object;
  readonly shared: boolean;
}

interface Descriptor {
  readonly irq: number;
  actions: readonly Action[];
  count: number;
  unhandled: number;
  nobodyCared: boolean;
}

export interface InterruptRow {
  readonly irq: number;
  /** By virtual CPU. */
  readonly counts: readonly number[];
  readonly chip: "IO-APIC-fasteoi" | "PCI-MSI-edge" | "IPI";
  readonly names: readonly string[];
}

export class IrqCore {
  readonly cpu: number;
  /** Messages that no irq was allocated for, or that came after their handler was freed. */
  strayVectors = 0;
  /** Interrupts of devices that handlers were run for, whatever became of the irqs. */
  taken = 0;
  readonly #source: InterruptSource;
  readonly #log: Log;
  readonly #descriptors = new Map<number, Descriptor>();
  readonly #vectors: MsiVectors;
  /** Lines to look at whether or not the source posts them: a bitmap. */
  #revisit = 0;
  #disableDepth = 0;
  #dispatching = false;
  /** What handlers of this round threw first. */
  #failure: { readonly error: unknown } | undefined;

  constructor(source: InterruptSource, log: Log, cpu = 0, messageFor?: MessageFor) {
    this.#source = source;
    this.#log = log;
    this.cpu = cpu;
    this.#vectors = new MsiVectors(messageFor);
  }

  /** `cookie` tells the sharers of a line apart, and is what `freeIrq` goes by. */
  requestIrq(irq: number, handler: IrqHandler, name: string, cookie: object, options?: { shared?: boolean }) {
    if (!isLine(irq) && !isSystem(irq) && !this.#vectors.has(irq))
      throw new ProbeError("EINVAL", `there is no irq ${irq}`);
    const descriptor = this.#descriptor(irq);
    const shared = options?.shared ?? false;
    const holder = descriptor.actions.find((action) => !(shared && action.shared));
    if (holder !== undefined) throw new ProbeError("EBUSY", `irq ${irq} belongs to ${holder.name}`);
    descriptor.actions = [...descriptor.actions, { handler, name, cookie, shared }];
    this.#handlersChanged(descriptor);
  }

  /** After it returns the handler will not run again: on one CPU it cannot be running now. */
  freeIrq(irq: number, cookie: object): void {
    const descriptor = this.#descriptor(irq);
    const rest = descriptor.actions.filter((action) => action.cookie !== cookie);
    if (rest.length === descriptor.actions.length)
      throw new Error(`freeing irq ${irq}, which was not requested`);
    descriptor.actions = rest;
    this.#handlersChanged(descriptor);
  }

  get availableMsi(): number {
    return this.#vectors.available;
  }

  /** A message irq of its own, or undefined when vectors have run out. */
  allocateMsi(cpu = this.cpu): MsiMessage | undefined {
    return this.#vectors.allocate(cpu);
  }

  /** A message irq that CPU 0 has allocated, and that is sent to this CPU from now on. */
  adoptMsi(irq: number): void {
    this.#vectors.adopt(irq);
  }

  freeMsi(irq: number): void {
    if (this.#handlerCount(irq) > 0) throw new Error(`irq ${irq} still has a handler`);
    this.#vectors.free(irq);
    this.#descriptors.delete(irq);
  }

  /** No handler runs until as many calls of `enable`. */
  disable(): void {
    this.#disableDepth++;
  }

  /** The last of nested calls takes what is pending. */
  enable(): void {
    if (this.#disableDepth === 0) throw new Error("interrupts enabled more often than disabled");
    this.#disableDepth--;
    this.poll();
  }

  get enabled(): boolean {
    return this.#disableDepth === 0;
  }

  /** Whether an interrupt would be taken now: interrupts are on, and no handler runs. */
  get accepts(): boolean {
    return this.enabled && !this.#dispatching;
  }

  /** Whether a poll would find something. May be stale: more may have come since. */
  get pending(): boolean {
    return this.accepts && (this.#revisit !== 0 || this.#source.pending());
  }

  /**
   * Takes and dispatches what is pending. True if there was anything. What a handler throws comes out here, when
   * all others have run that were taken with it: those will not be posted again.
   */
  poll(): boolean {
    if (!this.pending) return false;
    this.#dispatching = true;
    try {
      for (let round = 0; round < ROUNDS_MAX && this.enabled; round++) {
        const lines = this.#revisit;
        this.#revisit = 0;
        for (let line = 0; line < LINE_COUNT; line++) if ((lines >>> line) & 1) this.#dispatchLine(line);
        this.#source.take(this.#dispatchVector, this.#dispatchLine);
        if (this.#failure !== undefined) throw this.#takeFailure();
        if (this.#revisit === 0 && !this.#source.pending()) break;
      }
    } finally {
      this.#dispatching = false;
    }
    return true;
  }

  /** Handlers that are requested now, over all irqs. */
  get handlerCount(): number {
    return [...this.#descriptors.values()].reduce((sum, { actions }) => sum + actions.length, 0);
  }

  table(): InterruptRow[] {
    return [...this.#descriptors.values()]
      .filter(({ actions, count }) => actions.length > 0 || count > 0)
      .sort((a, b) => a.irq - b.irq)
      .map(({ irq, count, actions }) => ({
        irq,
        counts: Array.from({ length: this.cpu + 1 }, (_, cpu) => (cpu === this.cpu ? count : 0)),
        chip: chipOf(irq),
        names: actions.map(({ name }) => name),
      }));
  }

  readonly #dispatchVector = (vector: number): void => {
    const descriptor = this.#descriptors.get(irqOfVector(vector));
    if (descriptor === undefined || descriptor.actions.length === 0 || isLine(descriptor.irq)) {
      // A device may send any number of them: one line will do.
      if (this.strayVectors++ === 0) this.#log(`irq: no handler for vector 0x${vector.toString(16)}`);
      return;
    }
    descriptor.count++;
    this.#runActions(descriptor);
  };

  /** Level: the line's handlers in turn for as long as it is up. */
  readonly #dispatchLine = (line: number): void => {
    // It has had its turn in this round.
    if ((this.#revisit >>> line) & 1) return;
    const descriptor = this.#descriptor(FIRST_LINE_IRQ + line);
    for (let turn = 0; this.#source.asserted(line); turn++) {
      // Nobody to call: the line stays masked, and is looked at again when handlers change.
      if (descriptor.nobodyCared || descriptor.actions.length === 0) return;
      if (turn === LINE_TURNS_MAX) {
        this.#revisit |= 1 << line;
        return;
      }
      descriptor.count++;
      const outcome = this.#runActions(descriptor);
      if (outcome === "failed") {
        this.#revisit |= 1 << line;
        return;
      }
      if (outcome === "handled") descriptor.unhandled = 0;
      else if (++descriptor.unhandled === UNHANDLED_MAX) {
        descriptor.nobodyCared = true;
        this.#log(`irq ${descriptor.irq}: nobody cared`);
      }
    }
  };

  /** All sharers are asked, because more than one may have pulled the line, and none goes short of another's bug. */
  #runActions({ irq, actions }: Descriptor): "handled" | "none" | "failed" {
    if (!isSystem(irq)) this.taken++;
    let outcome: "handled" | "none" | "failed" = "none";
    for (const { handler, name } of actions) {
      try {
        if (handler(irq) && outcome === "none") outcome = "handled";
      } catch (error) {
        outcome = "failed";
        if (this.#failure === undefined) this.#failure = { error };
        else this.#log(`irq ${irq}: the handler of ${name} threw, too: ${error}`);
      }
    }
    return outcome;
  }

  #takeFailure(): unknown {
    const error = this.#failure?.error;
    this.#failure = undefined;
    return error;
  }

  #handlersChanged(descriptor: Descriptor): void {
    descriptor.unhandled = 0;
    descriptor.nobodyCared = false;
    if (isLine(descriptor.irq) && descriptor.actions.length > 0) {
      this.#revisit |= 1 << (descriptor.irq - FIRST_LINE_IRQ);
    }
  }

  #handlerCount(irq: number): number {
    return this.#descriptors.get(irq)?.actions.length ?? 0;
  }

  #descriptor(irq: number): Descriptor {
    const known = this.#descriptors.get(irq);
    if (known !== undefined) return known;
    const fresh = { irq, actions: [], count: 0, unhandled: 0, nobodyCared: false };
    this.#descriptors.set(irq, fresh);
    return fresh;
  }
}

function chipOf(irq: number): InterruptRow["chip"] {
  if (irq === CALL_IRQ || irq === QUEUES_IRQ) return "IPI";
  return isLine(irq) || isSystem(irq) ? "IO-APIC-fasteoi" : "PCI-MSI-edge";
}

const isSystem = (irq: number): boolean => irq >= 0 && irq < SYSTEM_IRQS;
const isLine = (irq: number): boolean => irq >= FIRST_LINE_IRQ && irq < FIRST_LINE_IRQ + LINE_COUNT;
