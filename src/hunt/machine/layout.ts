/** Where things lie in the small machines, agreed between their two sides. */
import { DEFAULT_RAM_BASE } from "../../memory/ram.ts";
import type { AdoptedQueue } from "../../monitor/observer.ts";
import { NO_VECTOR } from "../../wire/legacy-registers.ts";
import { alignUp, PAGE_SIZE } from "../../wire/numbers.ts";
import { ringLayout } from "../../wire/ring.ts";
import { STATUS } from "../../wire/status.ts";

export const FIRST_SLOT = 1;
/** The first message irq of a guest, and its vector. */
export const FIRST_MESSAGE_IRQ = 24;
export const FIRST_VECTOR = 0x30;
/** Of the first function's first queue, where the configuration has a vector of its own. */
export const QUEUE_VECTOR = FIRST_VECTOR + 1;
/** The functions' MSI-X capability, and its message control. */
export const MSIX_CAPABILITY = 0x50;
export const MSIX_CONTROL = MSIX_CAPABILITY + 2;

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

/** As whoever watches is told of a function that is set up already. */
export const LIVE = { status: STATUS.ACKNOWLEDGE | STATUS.DRIVER | STATUS.DRIVER_OK } as const;
export const UNTOUCHED = { status: 0, features: 0, queues: [] } as const;

export function adoptedQueue(
  ring: RingChoice,
  index: number,
  given: { size: number; startAt?: number | undefined; vector?: number | undefined },
): AdoptedQueue {
  const { size, startAt = 0, vector = NO_VECTOR } = given;
  return { index, size, startAt, vector, address: ring.address(index) };
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
