/** One indirect table per queue, written again while the device still has to walk it. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import type { IndirectTable } from "../../guest/virtqueue/indirect-tables.ts";
import { defineDefect } from "../defect.ts";

class SharedTable extends DriverQueue {
  #only: IndirectTable | undefined;

  protected override table(entries: number): IndirectTable | undefined {
    if ((this.#only?.entries ?? 0) < entries) this.#only = super.table(entries);
    return this.#only;
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
