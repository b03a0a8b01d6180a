/** Reads entropy: as many bytes as said, never all the same. */
import type { Entropy } from "../../../drivers/index.ts";
import type { VirtioDevice } from "../../../guest/virtio/types.ts";
import { type Rider, type RiderContext, unlessTolerated } from "./rider.ts";

export class EntropyRider implements Rider {
  bytesVerified = 0;
  readonly #context: RiderContext;

  constructor(context: RiderContext) {
    this.#context = context;
  }

  async ride(device: VirtioDevice): Promise<void> {
    const wanted = 32 + (this.#context.random.next() % 2000);
    const reading = (device.driverData as Entropy).read(wanted).catch((error) => {
      // A full queue is an answer, not a fault.
      if (/too many requests/.test((error as Error).message)) return undefined;
      throw error;
    });
    const found = await unlessTolerated(this.#context, reading);
    if (found === undefined) return;
    if (found.length === 0 || found.length > wanted)
      throw new Error(`entropy: ${found.length} bytes of ${wanted}`);
    if (found.length >= 16 && found.every((byte) => byte === found[0]))
      throw new Error("entropy: all bytes alike");
    this.bytesVerified += found.length;
  }

  rest(): Promise<void> {
    return Promise.resolve();
  }
}
