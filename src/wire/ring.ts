/**
 * Split virtqueue: layout and arithmetic, shared by both sides [virtio 1.4, 2.7; 0.9.5, 2.3].
 *
 *   descriptor table   16 bytes each: addr u64, len u32, flags u16, next u16
 *   available ring     flags u16, idx u16, ring u16[size], used_event u16     driver writes
 *   used ring          flags u16, idx u16, {id u32, len u32}[size], avail_event u16   device writes
 *
 * The two event fields sit in the "other" ring: used_event, where the driver says when it wants an
 * interrupt, ends the available ring; avail_event, where the device says when it wants a kick, ends the used ring.
 */
import { alignUp, isPowerOfTwo, PAGE_SIZE } from "./numbers.ts";

export const MAX_QUEUE_SIZE = 32768;
export const LEGACY_RING_ALIGN = PAGE_SIZE;

export const DESCRIPTOR_BYTES = 16;
export const DESCRIPTOR = { addressLow: 0, addressHigh: 4, length: 8, flags: 12, next: 14 } as const;
export const DESCRIPTOR_FLAG = { NEXT: 1, WRITE: 2, INDIRECT: 4 } as const;

export const AVAIL_FLAG_NO_INTERRUPT = 1;
export const USED_FLAG_NO_NOTIFY = 1;
export const USED_ELEMENT_BYTES = 8;

/** Byte offsets from the start of one ring block; `usedEvent` and `availEvent` are meaningful with EVENT_IDX. */
export interface RingLayout {
  readonly size: number;
  readonly descriptors: number;
  readonly availFlags: number;
  readonly availIndex: number;
  readonly availRing: number;
  readonly usedEvent: number;
  readonly usedFlags: number;
  readonly usedIndex: number;
  readonly usedRing: number;
  readonly availEvent: number;
  /** Whole block, rounded up to `align`. */
  readonly bytes: number;
}

/** Layout of one legacy ring block: descriptors, available ring, then the used ring on the next `align` boundary. */
export function ringLayout(size: number, align: number = LEGACY_RING_ALIGN): RingLayout {
  const avail = size * DESCRIPTOR_BYTES;
  const usedEvent = avail + 4 + 2 * size;
  const used = alignUp(usedEvent + 2, align);
  const availEvent = used + 4 + USED_ELEMENT_BYTES * size;
  return {
    size,
    descriptors: 0,
    availFlags: avail,
    availIndex: avail + 2,
    availRing: avail + 4,
    usedEvent,
    usedFlags: used,
    usedIndex: used + 2,
    usedRing: used + 4,
    availEvent,
    bytes: used + alignUp(availEvent + 2 - used, align),
  };
}

export function isQueueSize(size: number): boolean {
  return isPowerOfTwo(size) && size <= MAX_QUEUE_SIZE;
}

/**
 * Whether moving an index from `before` to `after` crossed `event` (all modulo 65536) [2.7.7.1, 2.7.10].
 * The text says "equal"; with batches only the crossing test is right.
 */
export function needEvent(event: number, after: number, before: number): boolean {
  return ((after - event - 1) & 0xffff) < ((after - before) & 0xffff);
}
