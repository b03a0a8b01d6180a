/** Where things lie in the small machines, agreed between their two sides. */
import { DEFAULT_RAM_BASE } from "../../memory/ram.ts";
import { alignUp, PAGE_SIZE } from "../../wire/numbers.ts";
import { ringLayout } from "../../wire/ring.ts";

export const FIRST_SLOT = 1;
/** The first message irq of a guest, and its vector. */
export const FIRST_MESSAGE_IRQ = 24;
export const FIRST_VECTOR = 0x30;
/** Message control of the functions' MSI-X capability. */
export const MSIX_CONTROL = 0x52;

export const ioBase = (index: number): number => 0xc000 + 0x100 * index;
export const memoryBase = (index: number): number => 0xe000_0000 + 0x1000 * index;

/** Slots that share one INTx line are four apart. */
const SLOTS_APART = 4;
export const slotOf = (index: number): number => FIRST_SLOT + SLOTS_APART * index;
export const lineIrq = (index: number): number => 16 + ((slotOf(index) - 1) & 3);

export interface RingChoice {
  readonly features: number;
  /** Guest-physical address for indirect tables, if the driver has them. */
  readonly tables?: number;
  /** Guest-physical address of a queue's ring. */
  address(queue: number): number;
}

/** Rings one behind the other from the start of RAM, `before` of them belonging to earlier functions. */
export function ringsInOrder(
  size: number,
  features: number,
  before = 0,
): RingChoice & { end(queues: number): number } {
  const bytes = alignUp(ringLayout(size).bytes, PAGE_SIZE);
  return {
    features,
    address: (queue) => DEFAULT_RAM_BASE + (before + queue) * bytes,
    end: (queues) => DEFAULT_RAM_BASE + (before + queues) * bytes,
  };
}
