/**
 * MSI-X of one function: table, pending bits and function control, in shared memory because any device thread may
 * raise a vector while the host thread serves the driver's table writes [PCI 3.0, 6.8.2].
 *
 * A raised vector is delivered, or, while the function or the vector is masked, pending; unmasking delivers
 * it. Never neither, never both.
 */
import type { FunctionPlan } from "../memory/plan.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { isMsiAddress, MSIX, msiCpu } from "../wire/pci.ts";
import { site } from "../wire/sites.ts";
import type { InterruptController } from "./interrupt-controller.ts";

const READ_ENTRY = site("msix: read entry");
const WRITE_ENTRY = site("msix: write entry");
const READ_CONTROL = site("msix: read control");
const WRITE_CONTROL = site("msix: write control");
const SET_PENDING = site("msix: set pending");
const TAKE_PENDING = site("msix: take pending");
const READ_PENDING = site("msix: read pending");

export class Msix {
  readonly vectors: number;
  protected readonly memory: SharedMemory;
  readonly #plan: FunctionPlan;
  readonly #cpus: readonly InterruptController[];

  /**
   * `vectors`: table size, 0..64. All entries start masked, as after a PCI reset; or, with `attach`, as another thread
   * has them.
   */
  constructor(
    memory: SharedMemory,
    plan: FunctionPlan,
    vectors: number,
    cpus: readonly InterruptController[],
    { attach = false } = {},
  ) {
    if (vectors > MSIX.maxVectors)
      throw new RangeError(`at most ${MSIX.maxVectors} MSI-X vectors, not ${vectors}`);
    this.vectors = vectors;
    this.memory = memory;
    this.#plan = plan;
    this.#cpus = cpus;
    if (!attach) this.reset();
  }

  /** As after a PCI reset: disabled, every entry masked, nothing pending. */
  reset(): void {
    this.memory.store32(this.#plan.msixControl, 0, WRITE_CONTROL);
    for (let vector = 0; vector < this.vectors; vector++) {
      const entry = this.#entry(vector);
      this.memory.store32(entry, 0, WRITE_ENTRY);
      this.memory.store32(entry + MSIX.entryAddressHigh, 0, WRITE_ENTRY);
      this.memory.store32(entry + MSIX.entryData, 0, WRITE_ENTRY);
      this.memory.store32(entry + MSIX.entryControl, MSIX.entryMasked, WRITE_ENTRY);
    }
    for (let word = 0; word < MSIX.maxVectors / 32; word++) {
      this.memory.store32(this.#plan.msixPending + 4 * word, 0, TAKE_PENDING);
    }
  }

  get enabled(): boolean {
    return (this.#control() & MSIX.enable) !== 0;
  }

  get functionMasked(): boolean {
    return (this.#control() & MSIX.functionMask) !== 0;
  }

  /** The driver's write of message control: enable and function mask. */
  writeControl(value: number): void {
    this.memory.store32(this.#plan.msixControl, value & (MSIX.enable | MSIX.functionMask), WRITE_CONTROL);
    for (let vector = 0; vector < this.vectors; vector++) this.deliverPending(vector);
  }

  /** Raises a vector. Any device thread may call it. Returns false if there is no such vector. */
  raise(vector: number): boolean {
    if (vector >= this.vectors) return false;
    if (this.masked(vector)) {
      // Ordering H: pending, then look at the mask again: an unmask that missed the bit is seen here.
      this.memory.or32(this.pendingWord(vector), 1 << (vector & 31), SET_PENDING);
      this.deliverPending(vector);
    } else {
      this.deliver(vector);
    }
    return true;
  }

  /** A read of the table by the driver, any aligned 32-bit word of it. */
  readTable(offset: number): number {
    if (offset >= this.vectors * MSIX.entryBytes) return 0;
    return this.memory.load32(this.#plan.msixTable + (offset & ~3), READ_ENTRY);
  }

  /** A write of one 32-bit word of the table. Unmasking delivers what is pending. */
  writeTable(offset: number, value: number): void {
    if (offset >= this.vectors * MSIX.entryBytes) return;
    this.memory.store32(this.#plan.msixTable + (offset & ~3), value >>> 0, WRITE_ENTRY);
    if ((offset & 0xc) === MSIX.entryControl) this.deliverPending(offset >>> 4);
  }

  /** A read of one 32-bit word of the pending bit array. */
  readPending(offset: number): number {
    if (offset >= MSIX.maxVectors / 8) return 0;
    return this.memory.load32(this.#plan.msixPending + (offset & ~3), READ_PENDING);
  }

  #control(): number {
    return this.memory.load32(this.#plan.msixControl, READ_CONTROL);
  }
  #entry(vector: number): number {
    return this.#plan.msixTable + vector * MSIX.entryBytes;
  }
  protected pendingWord(vector: number): number {
    return this.#plan.msixPending + 4 * (vector >>> 5);
  }
  protected masked(vector: number): boolean {
    if (this.functionMasked) return true;
    return (this.memory.load32(this.#entry(vector) + MSIX.entryControl, READ_ENTRY) & MSIX.entryMasked) !== 0;
  }

  protected deliverPending(vector: number): void {
    if (!this.enabled || this.masked(vector)) return;
    // Ordering H: unmasked, then take the pending bit. Whoever clears it delivers: exactly one does.
    const bit = 1 << (vector & 31);
    if ((this.memory.load32(this.pendingWord(vector), READ_PENDING) & bit) === 0) return;
    const before = this.memory.and32(this.pendingWord(vector), ~bit, TAKE_PENDING);
    if ((before & bit) !== 0) this.deliver(vector);
  }

  protected deliver(vector: number): void {
    const entry = this.#entry(vector);
    const address = this.memory.load32(entry + MSIX.entryAddress, READ_ENTRY);
    const data = this.memory.load32(entry + MSIX.entryData, READ_ENTRY);
    // A message to anywhere but the interrupt range is a memory write that interrupts nobody.
    if (isMsiAddress(address)) this.#cpus[msiCpu(address)]?.post(data & 0xff);
  }
}
