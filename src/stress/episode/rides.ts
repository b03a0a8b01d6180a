/** The rides of one CPU that are under way, and the first failure among them. */
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import type { Random } from "../../wire/random.ts";
import type { Rider } from "./riders/rider.ts";

/** Of so many rides, one is followed by something else. */
const TURN_ONE_IN = 4;

export class Rides {
  failure: Error | undefined;
  readonly #max: number;
  readonly #underWay = new Set<Promise<void>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Some more, as long as there is room and the device is there. */
  async begin(rider: Rider, device: VirtioDevice, random: Random): Promise<void> {
    // It may have gone since it was looked up, and the next one be on its way.
    while (this.#underWay.size < this.#max && device.driverData !== undefined) {
      const ride = this.add(rider.ride(device));
      if (random.next() % TURN_ONE_IN === 0) return;
      if (this.#max === 1) await ride;
    }
  }

  /** Resolves when it has ended, one way or the other. */
  add(work: Promise<unknown>): Promise<void> {
    const ride = work.then(
      () => undefined,
      (error) => {
        this.failure ??= error as Error;
      },
    );
    this.#underWay.add(ride);
    void ride.then(() => this.#underWay.delete(ride));
    return ride;
  }

  /** Until all have ended; `late` is called whenever that takes as long again. */
  async ended(lateMs = Number.POSITIVE_INFINITY, late: () => void = () => {}): Promise<void> {
    while (this.#underWay.size > 0) {
      const all = Promise.all(this.#underWay);
      if (lateMs === Number.POSITIVE_INFINITY) {
        await all;
        continue;
      }
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise((resolve) => {
        timer = setTimeout(resolve, lateMs, "late");
      });
      const first = await Promise.race([all, timeout]);
      clearTimeout(timer);
      if (first === "late") late();
    }
  }
}
