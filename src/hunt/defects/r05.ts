/** The driver's last look at used.idx comes before its wish for interrupts is out. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";

class LookBeforeWish extends DriverQueue {
  protected override arm(event: number, tolerated: number): boolean {
    this.refresh();
    const nothing = ((this.usedIndex - this.lastUsed) & 0xffff) <= tolerated;
    this.refresh = () => false;
    super.arm(event, tolerated);
    Reflect.deleteProperty(this, "refresh");
    return nothing;
  }
}

export default defineDefect({
  id: "R05",
  name: "driver looks at used.idx before it enables interrupts",
  seen: "OSv 8ebb1693 (2013), DPDK net/virtio 8f66bc4ac3 (2019)",
  needs: "interleaving",
  note: "a missing barrier, planted as a swap of program order",
  scenarios: ["flags", "round", "event-index"],
  replacements: [{ base: DriverQueue, by: LookBeforeWish }],
});
