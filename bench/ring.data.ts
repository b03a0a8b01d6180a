/** What the two threads of the ring bench agree on. */
import type { SharedBuffer } from "../src/memory/attach.ts";
import type { Doorbell } from "../src/memory/doorbell.ts";
import type { SharedMemory } from "../src/memory/shared-memory.ts";

export interface RingShape {
  readonly size: number;
  /** Buffers between two publications, at most. */
  readonly batch: number;
  /** Buffers out at once, at most. */
  readonly outstanding: number;
  readonly eventIndex: boolean;
  readonly indirect: boolean;
  /** Descriptors per buffer. */
  readonly segments: number;
  readonly wait: "poll" | "sleep";
  /** Where a side may sleep: looks before it does. */
  readonly spins: number;
  /** How many there are, a power of two: used again in turn, as a driver with a pool does. */
  readonly buffers: number;
}

export interface RingData extends RingShape {
  readonly ram: SharedBuffer;
  readonly control: SharedBuffer;
}

export interface RingCounts {
  readonly checksum: number;
  readonly violations: readonly string[];
  readonly interrupts: number;
  /** Wake-ups that found nothing to do. */
  readonly spurious: number;
}

/** The control page: two doorbells, a word for each thread's work, and the round that the device is in. */
export const CONTROL = {
  bytes: 320,
  deviceBell: 0,
  driverBell: 64,
  kicked: 128,
  interrupted: 192,
  round: 256,
} as const;

/**
 * Buffer `buffer` is this long: the sum of lengths that came back is the checksum. Where there are more than 256, a
 * descriptor's next one is of another length.
 */
export const bufferBytes = (buffer: number): number => 1 + ((buffer ^ (buffer >>> 8)) & 63);
export const BUFFER_STRIDE = 64;

/** Waits until the flag is set, and takes it: looks `spins` times, then announces, looks and sleeps. */
export function awaitFlag(memory: SharedMemory, bell: Doorbell, flag: number, spins: number): void {
  for (let spin = 0; spin < spins; spin++) if (memory.load32(flag, 0) !== 0) break;
  while (memory.exchange32(flag, 0, 0) === 0) {
    // Ordering I: announce, then look.
    const ticket = bell.announce();
    if (memory.load32(flag, 0) !== 0) bell.cancel();
    else bell.sleep(ticket, Number.POSITIVE_INFINITY);
  }
}

/** Sets the flag and rings. */
export function raiseFlag(memory: SharedMemory, bell: Doorbell, flag: number): void {
  memory.store32(flag, 1, 0);
  bell.ring();
}
