/** avail.idx is published before the ring entry and the descriptors are written. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import type { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const PUBLISH_AVAIL = site("driver: publish avail.idx");

class IndexBeforeEntry extends DriverQueue {
  override add(list: ScatterList, token: unknown): boolean {
    if (list.count > this.freeCount) return super.add(list, token);
    this.memory.store16(this.ring + this.layout.availIndex, (this.availIndex + 1) & 0xffff, PUBLISH_AVAIL);
    return super.add(list, token);
  }
}

export default defineDefect({
  id: "R10",
  name: "avail.idx visible before the entry",
  seen: "virtio-win 948d348e (2012), sDDF PR 758 (2026), DPDK vhost e994bcda55 (2016)",
  needs: "interleaving",
  note: "a missing write barrier, planted as a swap of program order",
  scenarios: ["flags", "round"],
  replacements: [{ base: DriverQueue, by: IndexBeforeEntry }],
});
