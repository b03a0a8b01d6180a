/** Waits until the balloon has what the host wants, or the guest has no more to give; the host moves its target. */
import type { Balloon } from "../../../drivers/index.ts";
import type { VirtioDevice } from "../../../guest/virtio/types.ts";
import { BALLOON_PAGE_SIZE } from "../../../wire/balloon.ts";
import { type Rider, type RiderContext, unlessTolerated } from "./rider.ts";

export class BalloonRider implements Rider {
  /** Pages that the host was given and the guest stayed away from: their bytes. */
  bytesVerified = 0;
  readonly #context: RiderContext;

  constructor(context: RiderContext) {
    this.#context = context;
  }

  async ride(device: VirtioDevice): Promise<void> {
    const balloon = device.driverData as Balloon;
    const pages = await unlessTolerated(this.#context, balloon.settled());
    if (pages === undefined) return;
    if (pages < 0 || pages > this.#context.guest.memory.ram.size / BALLOON_PAGE_SIZE)
      throw new Error(`balloon: ${pages} pages given away`);
    this.bytesVerified += pages * BALLOON_PAGE_SIZE;
  }

  async rest(): Promise<void> {}
}
