/** A rider puts traffic on one device and verifies every byte of it, whatever happens to the device meanwhile. */
import type { GuestContext } from "../../guest/define.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import type { Random } from "../../wire/random.ts";

export interface Rider {
  /** One portion of traffic; rejects when data differ. Requests that a reset cancels are no failure. */
  ride(device: VirtioDevice): Promise<void>;
  /** Everything is at rest: what must hold now. */
  rest(device: VirtioDevice): Promise<void>;
  readonly bytesVerified: number;
}

export interface RiderContext {
  readonly guest: GuestContext;
  readonly random: Random;
}

export const isCancelled = (error: unknown): boolean => (error as Error).name === "CancelledError";

/** Resolves to undefined when a reset cancelled it. */
export async function unlessCancelled<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isCancelled(error)) return undefined;
    throw error;
  }
}
