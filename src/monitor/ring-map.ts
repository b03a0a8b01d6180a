/** Which live ring an offset of RAM belongs to. Rings are whole pages, so one look finds out. */
import type { Ram } from "../memory/ram.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../wire/numbers.ts";
import type { Device, Queue } from "./model.ts";

export class RingMap {
  queues: readonly Queue[] = [];
  /** By page of RAM: 1 + index into `queues`, 0 where there is no ring. */
  readonly #pages: Uint16Array;

  constructor(ram: Ram) {
    this.#pages = new Uint16Array(Math.ceil(ram.size / PAGE_SIZE));
  }

  at(offset: number): Queue | undefined {
    const found = this.#pages[offset >>> PAGE_SHIFT];
    return found === undefined || found === 0 ? undefined : this.queues[found - 1];
  }

  /** Queues came or went. */
  draw(devices: Iterable<Device>): void {
    this.queues = [...devices].flatMap((device) => [...device.queues.values()]);
    this.#pages.fill(0);
    this.queues.forEach(({ base, layout }, index) => {
      this.#pages.fill(index + 1, base >>> PAGE_SHIFT, (base + layout.bytes) >>> PAGE_SHIFT);
    });
  }
}
