/** The device returns a buffer twice, and the driver does not look whether it was out. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { type Chain, DeviceQueue } from "../../host/index.ts";
import { USED_ELEMENT_BYTES } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const WRITE_USED_ELEMENT = site("device: write used element");

class Trusting extends DriverQueue {
  protected override accept(head: number, length: number): unknown {
    this.lastUsed = (this.lastUsed + 1) & 0xffff;
    this.lastLength = length;
    return this.descriptors[head]?.token;
  }
}

class ReturnsTwice extends DeviceQueue {
  override push(chain: Chain, written: number): void {
    super.push(chain, written);
    const element = this.ring + this.layout.usedRing + USED_ELEMENT_BYTES * (this.usedIndex & this.mask);
    this.memory.write32(element, chain.head, WRITE_USED_ELEMENT);
    this.memory.write32(element + 4, written, WRITE_USED_ELEMENT);
    if (this.usedIndex === 1) this.usedIndex = 2;
  }
}

export default defineDefect({
  id: "R70",
  name: "used.id trusted",
  seen: "MigTD PR 986, Zephyr 113343, RT-Thread 11326 and 11327 (2026), OSv PR 1450 (2026)",
  needs: "interleaving",
  scenarios: ["batches", "round"],
  replacements: [
    { base: DriverQueue, by: Trusting },
    { base: DeviceQueue, by: ReturnsTwice },
  ],
});
