/** A rider puts traffic on one device and verifies every byte of it, whatever happens to the device meanwhile. */
import type { GuestContext } from "../../../guest/define.ts";
import type { VirtioDevice } from "../../../guest/virtio/types.ts";
import type { Random } from "../../../wire/random.ts";
import type { DiskLedger } from "../disk-ledger.ts";

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
  /** Of the guest; `guest.cpu` says which of them this is. */
  readonly cpus: number;
  readonly ledger: DiskLedger | undefined;
  /** The device as it is now: it may have gone, and come back as another. */
  readonly device: () => VirtioDevice | undefined;
  /** Whether a request may end like this in this episode: cancelled, or failed where failures are asked for. */
  readonly tolerates: (error: unknown) => boolean;
}

/** Resolves to undefined when it ended in a way that the episode allows. */
export async function unlessTolerated<T>(
  { tolerates }: Pick<RiderContext, "tolerates">,
  work: Promise<T>,
): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (tolerates(error)) return undefined;
    throw error;
  }
}
