/**
 * The statistics queue: the device keeps the driver's one buffer, and gives it back to ask for fresh numbers
 * [virtio 1.4, 5.5.6.3].
 */
import { type Chain, type DeviceQueue, UsageError } from "../../host/index.ts";
import { BALLOON_STATS, type BalloonStats, decodeStats, STAT_BYTES } from "../../wire/balloon.ts";

/** Room for every tag several times over; a longer buffer is not read to its end. */
const STATS_BYTES_MAX = 4 * STAT_BYTES * BALLOON_STATS.length;

interface Waiter {
  resolve(stats: BalloonStats): void;
  reject(error: Error): void;
}

export class Statistics {
  /** As last reported. */
  latest: BalloonStats | undefined;
  #buffer: { queue: DeviceQueue; chain: Chain } | undefined;
  readonly #waiters: Waiter[] = [];

  /** The driver's buffer has come: an answer, or the first one, which need not be filled in. */
  arrived(queue: DeviceQueue): void {
    queue.serve((chain) => {
      const bytes = new Uint8Array(Math.min(STATS_BYTES_MAX, chain.readableBytes));
      chain.read(0, bytes);
      const first = this.latest === undefined;
      this.latest = decodeStats(bytes);
      this.#giveBack();
      this.#buffer = { queue, chain };
      if (first && this.#waiters.length > 0) this.ask();
      else for (const { resolve } of this.#waiters.splice(0)) resolve(this.latest);
    });
  }

  /** Asks for fresh numbers; without the buffer they are on their way already. */
  ask(): void {
    this.#giveBack();
  }

  fresh(): Promise<BalloonStats> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.ask();
    });
  }

  reset(): void {
    this.latest = undefined;
    this.#buffer = undefined;
    const error = new UsageError("balloon: the driver has reset the device");
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  #giveBack(): void {
    const held = this.#buffer;
    this.#buffer = undefined;
    held?.queue.push(held.chain, 0);
    held?.queue.flush();
  }
}
