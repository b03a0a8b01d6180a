/** Whatever comes back, the oldest descriptors are freed. */
import type { Descriptor } from "../../guest/virtqueue/descriptor.ts";
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";

class FreesInOrder extends DriverQueue {
  protected override release(head: Descriptor): unknown {
    const { token, chainLength } = head;
    // Descriptors are handed out round the ring: the free ones are taken to be those behind the oldest.
    // Behind the table's last one there was nothing yet.
    if (this.freeCount === 0 && this.freeHead.next === this.freeHead) {
      this.freeHead = this.descriptors[0] ?? head;
    }
    this.freeCount += chainLength;
    head.chainLength = 0;
    head.token = undefined;
    if (head.table !== undefined) this.tables.give(head.table);
    head.table = undefined;
    for (const each of this.descriptors) each.next = this.descriptors[(each.index + 1) & this.mask] ?? each;
    return token;
  }
}

export default defineDefect({
  id: "R69",
  name: "free list that assumes in-order completion",
  seen: "nanos PR 633 (2019), kerla PR 131",
  needs: "interleaving",
  scenarios: ["reuse", "out-of-order"],
  replacements: [{ base: DriverQueue, by: FreesInOrder }],
});
