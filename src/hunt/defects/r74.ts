/** One used element for a whole batch, to a driver that expects one per buffer. */
import { type Chain, DeviceQueue } from "../../host/index.ts";
import { USED_ELEMENT_BYTES } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const WRITE_USED_ELEMENT = site("device: write used element");

class OneElementPerBatch extends DeviceQueue {
  override push(chain: Chain, written: number): void {
    // Only the first element of what is not yet published is written, with the last chain's id.
    const first = this.ring + this.layout.usedRing + USED_ELEMENT_BYTES * (this.publishedUsed & this.mask);
    this.memory.write32(first, chain.head, WRITE_USED_ELEMENT);
    this.memory.write32(first + 4, written, WRITE_USED_ELEMENT);
    this.usedIndex = (this.usedIndex + 1) & 0xffff;
    chain.end();
  }
}

export default defineDefect({
  id: "R74",
  name: "in-order batch misread by the driver",
  seen: "DPDK e788032aac and 5c75a8efcd (2019), cloud-hypervisor 5b68d7694 (2026)",
  needs: "interleaving",
  scenarios: ["batches", "round"],
  replacements: [{ base: DeviceQueue, by: OneElementPerBatch }],
});
