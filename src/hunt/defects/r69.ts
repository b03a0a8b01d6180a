/** Whatever comes back, the oldest descriptors are freed. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";

class FreesInOrder extends DriverQueue {
  protected override release(head: number): unknown {
    const token = this.tokens[head];
    const length = this.chainLength[head] ?? 0;
    // Descriptors are handed out round the ring: the free ones are taken to be those behind the oldest.
    this.freeCount += length;
    this.writable[head] = -1;
    for (let index = 0; index < this.size; index++) this.next[index] = (index + 1) & this.mask;
    if (this.freeHead >= this.size) this.freeHead = 0;
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
