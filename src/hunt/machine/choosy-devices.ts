/** Devices that do not simply serve what is there: one that gathers buffers first, one that can be paused. */
import type { Chain, DeviceQueue } from "../../host/index.ts";
import { StampDevice } from "./stamp-device.ts";

/** Buffers that the gathering device needs at once, as a receiver does for one large packet. */
export const NEEDED = 3;

export class GatheringDevice extends StampDevice {
  readonly #held: Chain[] = [];

  override queueNotified(queue: DeviceQueue): void {
    do {
      this.gather(queue);
    } while (this.rest(queue));
  }

  /** Takes what is there, and uses it when it is enough. */
  protected gather(queue: DeviceQueue): void {
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) this.#held.push(chain);
    if (this.#held.length < NEEDED) return;
    for (const chain of this.#held.splice(0)) this.answer(queue, chain);
    queue.flush();
  }

  /** Asks for a kick at the next buffer, however many are still missing. True: one came meanwhile. */
  protected rest(queue: DeviceQueue): boolean {
    return queue.enableNotifications();
  }
}

/** While paused it leaves its queue alone; it was busy polling, so kicks are off. */
export class PausableDevice extends StampDevice {
  #state: "running" | "paused" | "resumed" = "running";

  get mayResume(): boolean {
    return this.#state === "paused";
  }

  override queueNotified(queue: DeviceQueue): void {
    if (this.#state !== "paused") queue.serve((chain) => this.handle(queue, chain));
  }

  pause(queue: DeviceQueue): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    queue.disableNotifications();
  }

  /** Kicks on again, and one look at what came while they were off. */
  resume(queue: DeviceQueue): void {
    this.#state = "resumed";
    this.catchUp(queue);
  }

  protected catchUp(queue: DeviceQueue): void {
    queue.serve((chain) => this.handle(queue, chain));
  }
}
