/**
 * From our interrupt controller to v86's: INTx lines become the inputs that the chip set routes them to, and
 * messages go to the local APIC.
 */
import type { InterruptController } from "../../bus/interrupt-controller.ts";
import { INTX_LINES } from "../../memory/plan.ts";
import type { V86Cpu } from "./v86.ts";

/** Registers PIRQA-PIRQD of the ISA bridge: where each line goes. */
const PIRQ_ROUTING = 0x60;
const PIRQ_DISABLED = 0x80;

/** The local APIC as v86 keeps it: 46 words, of which these begin the trigger-mode and request registers. */
const APIC = { words: 46, request: 16, triggerMode: 32 } as const;

export class PcInterrupts {
  readonly #cpu: V86Cpu;
  readonly #controller: InterruptController;
  /** Inputs that we hold up: several lines may share one, which v86 does not add up. */
  #raised = new Set<number>();

  constructor(cpu: V86Cpu, controller: InterruptController) {
    this.#cpu = cpu;
    this.#controller = controller;
  }

  /** Delivers what is pending. Never in the middle of a memory access of the guest's. */
  deliver(): void {
    if (this.#controller.pending()) {
      this.#controller.take(
        (vector) => this.#message(vector),
        () => {},
      );
    }
    // Levels, whether or not an edge was posted: nobody posts that a line went down.
    this.#settleLines();
  }

  #settleLines(): void {
    const routing = this.#cpu.devices.pci.isa_bridge_space8;
    const wanted = new Set<number>();
    for (let line = 0; line < INTX_LINES; line++) {
      const route = routing[PIRQ_ROUTING + line] ?? PIRQ_DISABLED;
      if ((route & PIRQ_DISABLED) === 0 && this.#controller.asserted(line)) wanted.add(route & 0xf);
    }
    const before = this.#raised;
    // First, because v86 may run the guest's side of it at once and come back here.
    this.#raised = wanted;
    for (const irq of before) if (!wanted.has(irq)) this.#cpu.device_lower_irq(irq);
    for (const irq of wanted) if (!before.has(irq)) this.#cpu.device_raise_irq(irq);
  }

  /** Sets the vector's bit in the APIC's request register, as an edge, and lets the CPU look. */
  #message(vector: number): void {
    const apic = new Uint32Array(this.#cpu.wasm_memory.buffer, this.#cpu.get_apic_addr(), APIC.words);
    const word = vector >>> 5;
    const bit = 1 << (vector & 31);
    apic[APIC.request + word] = (apic[APIC.request + word] ?? 0) | bit;
    apic[APIC.triggerMode + word] = (apic[APIC.triggerMode + word] ?? 0) & ~bit;
    this.#cpu.handle_irqs();
  }
}
