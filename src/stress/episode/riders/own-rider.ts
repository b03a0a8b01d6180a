/** A user's device, driven by the user's driver module: its `stress` does one portion of traffic and verifies it. */
import type { VirtioDevice } from "../../../guest/virtio/types.ts";
import { type Rider, type RiderContext, unlessTolerated } from "./rider.ts";

/** What a driver module exports besides its driver. Returns how many bytes it verified, if it counts them. */
export type StressFunction = (
  driver: unknown,
  context: { readonly random: () => number },
) => Promise<number | undefined>;

export class OwnRider implements Rider {
  bytesVerified = 0;
  readonly #context: RiderContext;
  readonly #stress: StressFunction;

  constructor(context: RiderContext, stress: StressFunction) {
    this.#context = context;
    this.#stress = stress;
  }

  async ride(device: VirtioDevice): Promise<void> {
    const { random } = this.#context;
    const work = (async () => this.#stress(device.driverData, { random: () => random.next() }))();
    this.bytesVerified += (await unlessTolerated(this.#context, work)) ?? 0;
  }

  async rest(): Promise<void> {}
}
