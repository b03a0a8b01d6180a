/** Message irqs and what a message must carry to arrive as one: irq 24 is vector 0x30, and so on. */
import { FIRST_SYSTEM_VECTOR } from "../wire/hot-plug.ts";
import { msiAddress } from "../wire/pci.ts";

const FIRST_IRQ = 24;
const FIRST_VECTOR = 0x30;
const LAST_VECTOR = 0xef;
const COUNT = LAST_VECTOR - FIRST_VECTOR + 1;

export interface MsiMessage {
  readonly irq: number;
  readonly address: number;
  readonly data: number;
}

/** Where a machine wants the message for a vector of a CPU. */
export type MessageFor = (cpu: number, vector: number) => { readonly address: number; readonly data: number };

/** As the local APICs of a PC want them. */
const apicMessage: MessageFor = (cpu, vector) => ({ address: msiAddress(cpu), data: vector });

/** Vectors below the messages' are the system's own irqs. */
export const irqOfVector = (vector: number): number =>
  vector < FIRST_VECTOR ? vector - FIRST_SYSTEM_VECTOR : FIRST_IRQ + vector - FIRST_VECTOR;

export class MsiVectors {
  readonly #allocated = new Set<number>();
  readonly #messageFor: MessageFor;

  constructor(messageFor: MessageFor = apicMessage) {
    this.#messageFor = messageFor;
  }

  get available(): number {
    return COUNT - this.#allocated.size;
  }

  has(irq: number): boolean {
    return this.#allocated.has(irq);
  }

  /** The lowest free irq, for a message to `cpu`; undefined when there is none. */
  allocate(cpu: number): MsiMessage | undefined {
    for (let vector = FIRST_VECTOR; vector <= LAST_VECTOR; vector++) {
      const irq = irqOfVector(vector);
      if (this.#allocated.has(irq)) continue;
      this.#allocated.add(irq);
      return { irq, ...this.#messageFor(cpu, vector) };
    }
    return undefined;
  }

  /** An irq that another CPU has allocated, and sends here. */
  adopt(irq: number): void {
    if (this.#allocated.has(irq)) throw new Error(`irq ${irq} is in use`);
    this.#allocated.add(irq);
  }

  free(irq: number): void {
    this.#allocated.delete(irq);
  }
}
