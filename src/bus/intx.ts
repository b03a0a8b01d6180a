/**
 * INTx lines: level-triggered and shared. A line is a word with one bit per function; it is asserted while any bit is
 * set. A function's bit is up while its ISR is not zero and Command bit 10 (INTx disable) is clear.
 *
 * The ISR lives here too, because any device thread may set it while the host thread serves the driver's
 * read-and-clear.
 */
import type { ControlPlan } from "../memory/plan.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { site } from "../wire/sites.ts";
import type { InterruptController } from "./interrupt-controller.ts";

const SET_ISR = site("isr: set");
const CLEAR_ISR = site("isr: read and clear");
const LOOK_AGAIN = site("isr: look again");
const ASSERT = site("intx: assert line");
const DEASSERT = site("intx: deassert line");

/** One function's end of its line, and its ISR. */
export class IntxPin {
  protected readonly memory: SharedMemory;
  protected readonly isr: number;
  readonly #line: number;
  readonly #lineWord: number;
  readonly #bit: number;
  readonly #controller: InterruptController;
  protected enabled = true;

  constructor(
    memory: SharedMemory,
    plan: ControlPlan,
    functionIndex: number,
    line: number,
    controller: InterruptController,
  ) {
    const own = plan.functions[functionIndex];
    if (own === undefined) throw new RangeError(`no function ${functionIndex} in the memory plan`);
    this.memory = memory;
    this.isr = own.isr;
    this.#line = line;
    this.#lineWord = plan.intxLines + 4 * line;
    this.#bit = 1 << functionIndex;
    this.#controller = controller;
  }

  get line(): number {
    return this.#line;
  }

  /** Sets ISR bits and, where INTx is in use, raises the line. Any device thread may call it. */
  raise(bits: number): void {
    // Ordering G: the ISR, then the line.
    this.memory.or32(this.isr, bits, SET_ISR);
    if (this.enabled) this.assert();
  }

  /** The driver's read of the ISR register: returns it, clears it, lowers the line. */
  readAndClear(): number {
    const isr = this.memory.exchange32(this.isr, 0, CLEAR_ISR);
    this.lower();
    return isr;
  }

  /** ISR as it stands, for diagnostics and the PCI status register. */
  peek(): number {
    return this.memory.load32(this.isr, LOOK_AGAIN);
  }

  /** INTx off (MSI-X on, or Command bit 10 set) lowers the line; on raises it again if the ISR is not zero. */
  enable(enabled: boolean): void {
    this.enabled = enabled;
    if (!enabled) this.memory.and32(this.#lineWord, ~this.#bit, DEASSERT);
    else if (this.peek() !== 0) this.assert();
  }

  /** As `enable`, on another thread than the one that serves the driver: that one has seen to the line. */
  follow(enabled: boolean): void {
    this.enabled = enabled;
  }

  protected assert(): void {
    const before = this.memory.or32(this.#lineWord, this.#bit, ASSERT);
    if (before === 0) this.#controller.postLine(this.#line);
  }

  protected lower(): void {
    this.memory.and32(this.#lineWord, ~this.#bit, DEASSERT);
    // Ordering G: the line is down, then look at the ISR: a bit set since the clear raises it again.
    if (this.enabled && this.memory.load32(this.isr, LOOK_AGAIN) !== 0) this.assert();
  }
}
