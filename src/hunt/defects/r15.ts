/** The used element is read before used.idx says that it is there. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { USED_ELEMENT_BYTES } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const READ_USED_ELEMENT = site("driver: read used element");

class EarlyElement extends DriverQueue {
  override get(): unknown {
    const element = this.ring + this.layout.usedRing + USED_ELEMENT_BYTES * (this.lastUsed & this.mask);
    const head = this.memory.read32(element, READ_USED_ELEMENT);
    const length = this.memory.read32(element + 4, READ_USED_ELEMENT);
    return this.hasUsed ? this.accept(head, length) : undefined;
  }
}

export default defineDefect({
  id: "R15",
  name: "fresh used.idx, stale used element",
  seen: "DPDK net/virtio 23d25f1a40 (2019), Linux 2d61ba95034f (2009)",
  needs: "interleaving",
  note: "a missing read barrier, planted as a swap of program order",
  scenarios: ["flags", "round"],
  replacements: [{ base: DriverQueue, by: EarlyElement }],
});
