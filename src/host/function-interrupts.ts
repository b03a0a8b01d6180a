/**
 * One function's interrupts: a queue or the configuration asks by meaning; here it becomes an ISR bit, a level on the
 * INTx line, or an MSI-X message [virtio 1.4, 4.1.4.5, 4.1.5.3, 4.1.5.4]. Also the memory BAR that holds the MSI-X
 * table and its pending bits.
 */
import type { IntxPin } from "../bus/intx.ts";
import type { Msix } from "../bus/msix.ts";
import { allOnes, type Width } from "../bus/port-bus.ts";
import { ISR, NO_VECTOR } from "../wire/legacy-registers.ts";
import { MSIX } from "../wire/pci.ts";
import { MSIX_PBA_OFFSET } from "./pci-function.ts";
import type { DeviceInterrupts } from "./virtio-device.ts";

/** What configuration space says about interrupts. */
export interface InterruptMode {
  readonly msixControl: number;
  readonly intxDisabled: boolean;
  readonly powered: boolean;
}

/** What another thread needs to know to raise a function's interrupts. Plain data. */
export interface InterruptState {
  readonly queueVectors: readonly number[];
  readonly powered: boolean;
  /** The line is in use. */
  readonly intx: boolean;
}

/** MSI-X entry control or message control: something that was let through is not any more. */
const masks = (before: number, after: number, bit: number): boolean =>
  (before & bit) === 0 && (after & bit) !== 0;

export class FunctionInterrupts implements DeviceInterrupts {
  /**
   * Called when something was changed that other threads raise interrupts by: `InterruptState`, or a mask. Returns when
   * they know, and what they had begun before has ended.
   */
  onChange: () => void = () => {};

  protected readonly pin: IntxPin;
  protected readonly msix: Msix;
  #configVector = NO_VECTOR;
  protected readonly queueVectors: number[];
  #powered = true;
  #msixControl = 0;
  /** Whether the INTx line is in use. */
  #line = true;
  /** Vectors raised in D3hot: sent when the function is back in D0, as requests in flight go on meanwhile. */
  protected readonly deferred = new Set<number>();

  constructor(pin: IntxPin, msix: Msix, queues: number) {
    this.pin = pin;
    this.msix = msix;
    this.queueVectors = Array.from({ length: queues }, () => NO_VECTOR);
  }

  get msixEnabled(): boolean {
    return this.msix.enabled;
  }
  get pending(): boolean {
    return this.pin.peek() !== 0;
  }

  queueInterrupt(index: number): void {
    this.raise(ISR.QUEUE, this.queueVectors[index] ?? NO_VECTOR);
  }
  configInterrupt(): void {
    this.raise(ISR.CONFIG, this.#configVector);
  }
  readIsr(): number {
    return this.pin.readAndClear();
  }

  get configVector(): number {
    return this.#configVector;
  }
  queueVector(index: number): number {
    return this.queueVectors[index] ?? NO_VECTOR;
  }
  /** Returns false for a vector beyond the table: it then reads back as NO_VECTOR, "no resources". */
  setConfigVector(vector: number): boolean {
    this.#configVector = this.#accepted(vector);
    return this.#configVector === vector;
  }
  setQueueVector(index: number, vector: number): boolean {
    if (index >= this.queueVectors.length) return true;
    const accepted = this.#accepted(vector);
    this.queueVectors[index] = accepted;
    this.onChange();
    return accepted === vector;
  }

  /** Configuration space changed. INTx is in use while MSI-X is off, Command bit 10 clear, and the power on. */
  setMode(mode: InterruptMode): void {
    const { msixControl, intxDisabled, powered } = mode;
    const before = this.#line;
    if (msixControl !== this.#msixControl) this.msix.writeControl(msixControl);
    this.#line = !this.msix.enabled && !intxDisabled && powered;
    const changed = msixControl !== this.#msixControl || powered !== this.#powered || this.#line !== before;
    this.#msixControl = msixControl;
    this.#powered = powered;
    if (changed) this.onChange();
    this.pin.enable(this.#line);
    if (powered) this.#sendDeferred();
  }

  state(): InterruptState {
    return { queueVectors: [...this.queueVectors], powered: this.#powered, intx: this.#line };
  }

  /** On another thread than the one that serves the driver: what that one has told. */
  follow({ queueVectors, powered, intx }: InterruptState): void {
    queueVectors.forEach((vector, index) => {
      this.queueVectors[index] = vector;
    });
    this.#powered = powered;
    this.pin.follow(intx);
    if (powered) this.#sendDeferred();
  }

  /** Device reset: vectors unmapped, ISR clear, line down. The MSI-X table is PCI's and stays. */
  reset(): void {
    this.#configVector = NO_VECTOR;
    this.queueVectors.fill(NO_VECTOR);
    this.deferred.clear();
    this.pin.readAndClear();
  }

  /** The function is gone: nothing of it stays on the line. */
  unplug(): void {
    this.pin.enable(false);
    this.reset();
    this.msix.reset();
  }

  /** A read in the MSI-X BAR; what is neither table nor pending bits reads as 0. */
  readBar(offset: number, width: Width): number {
    const shift = 8 * (offset & 3);
    if ((offset & 3) + width > 4) return allOnes(width);
    const word = offset < MSIX_PBA_OFFSET ? this.msix.readTable(offset) : this.#readPending(offset);
    return ((word >>> shift) & allOnes(width)) >>> 0;
  }

  /** A write in the MSI-X BAR; pending bits are read-only. */
  writeBar(offset: number, width: Width, value: number): void {
    const shift = 8 * (offset & 3);
    if (offset >= this.msix.vectors * MSIX.entryBytes || (offset & 3) + width > 4) return;
    const mask = (allOnes(width) << shift) >>> 0;
    const before = this.msix.readTable(offset);
    const word = (before & ~mask) | ((value << shift) & mask);
    this.msix.writeTable(offset, word >>> 0);
    if ((offset & 0xc) === MSIX.entryControl && masks(before, word, MSIX.entryMasked)) this.onChange();
  }

  describe() {
    const vectors = this.msix.vectors;
    return {
      isr: this.pin.peek(),
      line: this.pin.line,
      msix: {
        vectors,
        enabled: this.msix.enabled,
        functionMasked: this.msix.functionMasked,
        masked: Array.from({ length: vectors }, (_, v) => v).filter(
          (v) => (this.msix.readTable(v * MSIX.entryBytes + MSIX.entryControl) & MSIX.entryMasked) !== 0,
        ),
        pending: Array.from({ length: vectors }, (_, v) => v).filter(
          (v) => ((this.msix.readPending(4 * (v >>> 5)) >>> (v & 31)) & 1) !== 0,
        ),
        configVector: this.#configVector,
        queueVectors: [...this.queueVectors],
      },
    };
  }

  protected raise(isr: number, vector: number): void {
    // The ISR is set with MSI-X on too; only the line is out of use then.
    this.pin.raise(isr);
    if (!this.msix.enabled || vector === NO_VECTOR) return;
    if (this.#powered) this.msix.raise(vector);
    else this.deferred.add(vector);
  }

  #sendDeferred(): void {
    for (const vector of this.deferred) if (this.msix.enabled) this.msix.raise(vector);
    this.deferred.clear();
  }

  #accepted(vector: number): number {
    return vector < this.msix.vectors ? vector : NO_VECTOR;
  }

  #readPending(offset: number): number {
    return this.msix.readPending(offset - MSIX_PBA_OFFSET);
  }
}
