/**
 * A function's card in the control page: what it is, how far its driver got, where its rings are. The host keeps it;
 * whoever holds the memory can read it, also while both threads are stuck.
 *
 *   word 0  slot | 1 << 31 while the function is there     word 2  features accepted
 *   word 1  virtio id | status << 16                       word 3  queues
 *   then per queue: page number of its ring, size
 */
import { CARD_BYTES, MAX_QUEUES } from "../memory/plan.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";

export interface CardQueue {
  readonly index: number;
  readonly pfn: number;
  readonly size: number;
}

export interface Card {
  readonly slot: number;
  readonly virtioId: number;
  readonly status: number;
  readonly features: number;
  readonly queues: readonly CardQueue[];
}

const PRESENT = 0x8000_0000;
const HEADER_BYTES = 16;

export function writeCard(memory: SharedMemory, at: number, card: Card): void {
  memory.write32(at + 4, card.virtioId | (card.status << 16), 0);
  memory.write32(at + 8, card.features, 0);
  const queues = card.queues.slice(0, MAX_QUEUES);
  memory.write32(at + 12, queues.length, 0);
  queues.forEach(({ pfn, size }, index) => {
    memory.write32(at + HEADER_BYTES + 8 * index, pfn, 0);
    memory.write32(at + HEADER_BYTES + 8 * index + 4, size, 0);
  });
  memory.store32(at, (card.slot | PRESENT) >>> 0, 0);
}

export function clearCard(memory: SharedMemory, at: number): void {
  memory.store32(at, 0, 0);
}

/** Undefined: there is no function. A card that is being written may be half old: it is for people to look at. */
export function readCard(memory: SharedMemory, at: number): Card | undefined {
  const first = memory.load32(at, 0);
  if ((first & PRESENT) === 0) return undefined;
  const second = memory.read32(at + 4, 0);
  const count = Math.min(memory.read32(at + 12, 0), (CARD_BYTES - HEADER_BYTES) / 8);
  return {
    slot: first & 0xff,
    virtioId: second & 0xffff,
    status: second >>> 16,
    features: memory.read32(at + 8, 0),
    queues: Array.from({ length: count }, (_, index) => ({
      index,
      pfn: memory.read32(at + HEADER_BYTES + 8 * index, 0),
      size: memory.read32(at + HEADER_BYTES + 8 * index + 4, 0),
    })),
  };
}
