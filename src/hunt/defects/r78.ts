/** The buffer is found by the position in the used ring instead of by the id that stands there. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";

class ByPosition extends DriverQueue {
  protected override release(head: number): unknown {
    const token = super.release(head);
    const position = (this.lastUsed - 1) & this.mask;
    return position === 0 ? token : (this.tokens.find((other) => other !== undefined) ?? token);
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
