/** One indirect table per queue, written again while the device still has to walk it. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";

class SharedTable extends DriverQueue {
  protected override table(_head: number, entries: number): number | undefined {
    return super.table(0, entries);
  }
}

export default defineDefect({
  id: "R76",
  name: "indirect table reused early",
  seen: "QEMU bbc1c327d7 (2023), openvmm PR 2983 (2026)",
  needs: "interleaving",
  scenarios: ["indirect"],
  replacements: [{ base: DriverQueue, by: SharedTable }],
});
