/**
 * Interrupts of a QEMU machine. MSI-X messages are memory writes, and no write to the interrupt range can be seen from
 * outside: so each vector's message goes to a word of its own in RAM that the guest does not use, and the words are
 * polled. INTx lines are watched at the I/O APIC's inputs.
 */
import type { InterruptSource } from "../../bus/interrupt-source.ts";
import type { SharedMemory } from "../../memory/shared-memory.ts";
import { site } from "../../wire/sites.ts";
import type { QtestChannel } from "./qtest-channel.ts";

const TAKE = site("msi: take vectors");

const VECTORS = 256;
/** What a message writes: anything but zero. */
const MARK = 1;
export const MESSAGE_BYTES = 4 * VECTORS;

export class QemuInterrupts implements InterruptSource {
  readonly #words: SharedMemory;
  readonly #wordsAddress: number;
  readonly #channel: QtestChannel;
  readonly #seen = Buffer.alloc(MESSAGE_BYTES);
  readonly #none = Buffer.alloc(MESSAGE_BYTES);
  readonly #levels: boolean[];
  /** Lines that went up since they were last taken. */
  #raised = 0;

  /** `words`: MESSAGE_BYTES zeroed bytes at guest-physical `wordsAddress`. `lineIrqs`: by line, as the APIC has it. */
  constructor(words: SharedMemory, wordsAddress: number, channel: QtestChannel, lineIrqs: readonly number[]) {
    this.#words = words;
    this.#wordsAddress = wordsAddress;
    this.#channel = channel;
    this.#levels = lineIrqs.map(() => false);
    channel.onIrq = (irq, level) => {
      const line = lineIrqs.indexOf(irq);
      if (line < 0) return;
      this.#levels[line] = level;
      if (level) this.#raised |= 1 << line;
    };
    channel.ask("irq_intercept_in ioapic");
  }

  /** What the MSI-X table must be told, so that a message for `vector` is found here. */
  readonly messageFor = (_cpu: number, vector: number): { address: number; data: number } => ({
    address: this.#wordsAddress + 4 * vector,
    data: MARK,
  });

  pending(): boolean {
    if (this.#raised !== 0) return true;
    this.#words.readBytes(0, this.#seen, TAKE);
    if (!this.#seen.equals(this.#none)) return true;
    this.#channel.drain();
    return this.#raised !== 0;
  }

  take(vector: (vector: number) => void, line: (line: number) => void): void {
    this.#words.readBytes(0, this.#seen, TAKE);
    const found = Buffer.from(this.#seen);
    for (let number = 0; number < VECTORS; number++) {
      if (found.readUInt32LE(4 * number) === 0) continue;
      // Cleared before its handler looks at the rings: a message that comes in between is covered by that look.
      this.#words.store32(4 * number, 0, TAKE);
      vector(number);
    }
    const raised = this.#raised;
    this.#raised = 0;
    for (let number = 0; number < this.#levels.length; number++) if ((raised >>> number) & 1) line(number);
  }

  /** No look at the channel: a lowering comes before the answer to the register read that caused it. */
  asserted(line: number): boolean {
    return this.#levels[line] ?? false;
  }
}
