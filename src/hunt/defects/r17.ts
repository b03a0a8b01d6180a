/** The loop's condition is a value that was read once. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";

class KeptIndex extends DriverQueue {
  override enableCallbacks(): boolean {
    const kept = this.usedIndex;
    super.enableCallbacks();
    this.usedIndex = kept;
    return kept === this.lastUsed;
  }
}

export default defineDefect({
  id: "R17",
  name: "polling loop that reads shared memory once",
  seen: "DPDK b81026f1e7 (2016), QEMU c381abc37f (2022)",
  needs: "interleaving",
  note: "a load kept in a register, planted as a loop that keeps it",
  scenarios: ["flags", "round", "event-index"],
  replacements: [{ base: DriverQueue, by: KeptIndex }],
});
