/** The buffer is found by the position in the used ring instead of by the id that stands there. */
import type { Descriptor } from "../../guest/virtqueue/descriptor.ts";
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";

class ByPosition extends DriverQueue {
  protected override release(head: Descriptor): unknown {
    const token = super.release(head);
    const position = (this.lastUsed - 1) & this.mask;
    return position === 0
      ? token
      : (this.descriptors.find((other) => other.token !== undefined)?.token ?? token);
  }
}

export default defineDefect({
  id: "R78",
  name: "refill by ring position instead of by buffer id",
  seen: "DPDK 2d91b28730 (2021)",
  needs: "interleaving",
  note: "a packed-ring bug, planted in the split ring's form",
  scenarios: ["out-of-order"],
  replacements: [{ base: DriverQueue, by: ByPosition }],
});
