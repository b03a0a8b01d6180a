/**
 * A virtual CPU's interrupt controller: pending vectors (messages) and INTx line edges, summarised in one word so
 * that looking for interrupts costs a single load. Devices post, the guest takes.
 */
import type { Doorbell } from "../memory/doorbell.ts";
import { type ControlPlan, type CpuPlan, VECTOR_WORDS } from "../memory/plan.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { site } from "../wire/sites.ts";
import type { InterruptSource } from "./interrupt-source.ts";

const POST = site("msi: post vector");
const TAKE = site("msi: take vectors");
const READ_LINE = site("intx: read line");

const LINE_SHIFT = VECTOR_WORDS;

export class InterruptController implements InterruptSource {
  readonly #memory: SharedMemory;
  readonly #plan: CpuPlan;
  readonly #intxLines: number;
  readonly #doorbell: Doorbell;

  constructor(memory: SharedMemory, plan: ControlPlan, cpu: number, doorbell: Doorbell) {
    const own = plan.cpus[cpu];
    if (own === undefined) throw new RangeError(`no CPU ${cpu} in the memory plan`);
    this.#memory = memory;
    this.#plan = own;
    this.#intxLines = plan.intxLines;
    this.#doorbell = doorbell;
  }

  /** A message for this CPU: `vector` is 0..255. */
  post(vector: number): void {
    const word = (vector >>> 5) & (VECTOR_WORDS - 1);
    // Ordering K: the vector's bit, then its word's. Ordering I: the work, then the bell.
    this.#memory.or32(this.#plan.vectors + 4 * word, 1 << (vector & 31), POST);
    this.#memory.or32(this.#plan.summary, 1 << word, POST);
    this.#doorbell.ring();
  }

  /** INTx line `line` went up, or should be looked at again. */
  postLine(line: number): void {
    this.#memory.or32(this.#plan.summary, 1 << (LINE_SHIFT + line), POST);
    this.#doorbell.ring();
  }

  pending(): boolean {
    return this.#memory.load32(this.#plan.summary, TAKE) !== 0;
  }

  asserted(line: number): boolean {
    return this.#memory.load32(this.#intxLines + 4 * line, READ_LINE) !== 0;
  }

  /** Takes everything pending: `vector` per message, `line` per INTx line to look at. */
  take(vector: (vector: number) => void, line: (line: number) => void): void {
    // Ordering K: the summary, then the vectors.
    let summary = this.#memory.exchange32(this.#plan.summary, 0, TAKE);
    while (summary !== 0) {
      const bit = 31 - Math.clz32(summary & -summary);
      summary &= summary - 1;
      if (bit >= LINE_SHIFT) {
        line(bit - LINE_SHIFT);
        continue;
      }
      let vectors = this.#memory.exchange32(this.#plan.vectors + 4 * bit, 0, TAKE);
      while (vectors !== 0) {
        vector(32 * bit + (31 - Math.clz32(vectors & -vectors)));
        vectors &= vectors - 1;
      }
    }
  }
}
