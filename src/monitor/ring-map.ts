/** Which live ring an offset of RAM belongs to. Rings are whole pages, so one look finds out. */
import type { Ram } from "../memory/ram.ts";
import { PAGE_SHIFT, PAGE_SIZE } from "../wire/numbers.ts";
import type { Device, Queue } from "./model.ts";
import { bytesPart } from "./rule-book.ts";

const [DRIVER_READS, DRIVER_WRITES] = [bytesPart("driver", false), bytesPart("driver", true)];

export class RingMap {
  queues: readonly Queue[] = [];
  /** Those for which it matters what a driver reads of the buffers that came back. */
  read: readonly Queue[] = [];
  /** Whether some device has rules about what a driver reads, or writes, outside rings. */
  readsAsked = false;
  writesAsked = false;
  /** By page of RAM: 1 + index into `queues`, 0 where there is no ring. */
  private readonly pages: Uint16Array;

  constructor(ram: Ram) {
    this.pages = new Uint16Array(Math.ceil(ram.size / PAGE_SIZE));
  }

  at(offset: number): Queue | undefined {
    const found = this.pages[offset >>> PAGE_SHIFT];
    return found === undefined || found === 0 ? undefined : this.queues[found - 1];
  }

  /** Queues came or went. */
  draw(devices: Iterable<Device>): void {
    const all = [...devices];
    this.readsAsked = all.some(({ page }) => page[DRIVER_READS]?.length);
    this.writesAsked = all.some(({ page }) => page[DRIVER_WRITES]?.length);
    this.queues = all.flatMap((device) => [...device.queues.values()]);
    this.read = this.queues.filter(({ device }) => device.page[DRIVER_READS]?.length);
    this.pages.fill(0);
    this.queues.forEach(({ base, layout }, index) => {
      this.pages.fill(index + 1, base >>> PAGE_SHIFT, (base + layout.bytes) >>> PAGE_SHIFT);
    });
  }
}
