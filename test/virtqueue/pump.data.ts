/** What the two threads of the pump test agree on. */
import type { SharedBuffer } from "../../src/memory/attach.ts";
import type { Doorbell } from "../../src/memory/doorbell.ts";
import type { SharedMemory } from "../../src/memory/shared-memory.ts";

export interface PumpData {
  readonly ram: SharedBuffer;
  readonly control: SharedBuffer;
  readonly size: number;
  readonly indirect: boolean;
  readonly eventIndex: boolean;
  readonly sleeping: boolean;
  readonly buffers: number;
}

/** The control page: two doorbells, and a word for each thread's work. */
export const CONTROL = { bytes: 256, deviceBell: 0, driverBell: 64, kicked: 128, interrupted: 192 } as const;
export const REQUEST_BYTES = 8;
export const REPLY_BYTES = 8;
/** A wake-up that takes this long is lost. */
export const LOST_MS = 15_000;

/** What a device answers to a number. */
export const answer = (number: number): number => (Math.imul(number, 2_654_435_761) ^ 0x5bd1_e995) >>> 0;

/** Blocks until the flag is set, and takes it: announce, look, sleep. False: nobody set it in time. */
export function awaitFlag(memory: SharedMemory, bell: Doorbell, flag: number): boolean {
  while (memory.exchange32(flag, 0, 0) === 0) {
    const ticket = bell.announce();
    if (memory.load32(flag, 0) !== 0) bell.cancel();
    else if (bell.sleep(ticket, LOST_MS) === "timed-out") return false;
  }
  return true;
}

/** Sets the flag and rings. */
export function raiseFlag(memory: SharedMemory, bell: Doorbell, flag: number): void {
  memory.store32(flag, 1, 0);
  bell.ring();
}

/** Bytes after the ring: room for a request and a reply per descriptor, and as much for tables. */
export const pumpSpare = (size: number): number => 2 * size * 64 + 16384;
