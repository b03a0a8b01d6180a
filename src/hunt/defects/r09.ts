/** used.idx is published before the used element is written. */
import { type Chain, DeviceQueue } from "../../host/index.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const PUBLISH_USED = site("device: publish used.idx");

class IndexBeforeElement extends DeviceQueue {
  override push(chain: Chain, written: number): void {
    this.memory.store16(this.ring + this.layout.usedIndex, (this.usedIndex + 1) & 0xffff, PUBLISH_USED);
    super.push(chain, written);
  }
}

export default defineDefect({
  id: "R09",
  name: "used.idx visible before the used element",
  seen: "QEMU b90d2f3512 and e22517086b (2011), LKL PR 151 (2016)",
  needs: "interleaving",
  note: "a missing write barrier, planted as a swap of program order",
  scenarios: ["flags", "round"],
  replacements: [{ base: DeviceQueue, by: IndexBeforeElement }],
});
