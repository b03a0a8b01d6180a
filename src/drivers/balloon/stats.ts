/** Tells the host about the guest's memory: one buffer, filled in and sent again each time it comes back. */
import type { GuestMemory } from "../../guest/guest-memory.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { BALLOON_STATS, type BalloonStats, encodeStats, STAT_BYTES } from "../../wire/balloon.ts";

/** Room for every statistic there is. */
export const STATS_BUFFER_BYTES = STAT_BYTES * BALLOON_STATS.length;

export class StatsSender {
  readonly #memory: GuestMemory;
  readonly #queue: DriverQueue<true>;
  readonly #address: number;

  constructor(memory: GuestMemory, queue: DriverQueue<true>, address: number) {
    this.#memory = memory;
    this.#queue = queue;
    this.#address = address;
  }

  get stats(): BalloonStats {
    const { freeBytes, ram } = this.#memory;
    return { freeBytes, totalBytes: ram.size, availableBytes: freeBytes };
  }

  /** The first one goes unasked; the host keeps it until it wants to know. */
  send(): void {
    const bytes = encodeStats(this.stats);
    this.#memory.write(this.#address, bytes);
    this.#queue.addOutbuf(this.#address, bytes.length, true);
    this.#queue.kick();
  }

  /** The host asks. */
  asked(): void {
    do {
      this.#queue.disableCallbacks();
      while (this.#queue.get() !== undefined) this.send();
      if (this.#queue.broken !== undefined) return;
    } while (!this.#queue.enableCallbacks());
  }
}
