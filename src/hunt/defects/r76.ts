/** One indirect table per queue, written again while the device still has to walk it. */
import type { Descriptor } from "../../guest/virtqueue/descriptor.ts";
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import type { IndirectTable } from "../../guest/virtqueue/indirect-tables.ts";
import { defineDefect } from "../defect.ts";

class SharedTable extends DriverQueue {
  protected override table(entries: number): IndirectTable | undefined {
    const table = super.table(entries);
    if (table !== undefined) this.tables.give(table);
    return table;
  }

  protected override release(head: Descriptor): unknown {
    head.table = undefined;
    return super.release(head);
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
