/** Queues that are in use are renumbered from 0 when it comes to their interrupts. */
import { FunctionInterrupts } from "../../host/function-interrupts.ts";
import { NO_VECTOR } from "../../wire/legacy-registers.ts";
import { defineDefect } from "../defect.ts";

class CompactsQueues extends FunctionInterrupts {
  override queueInterrupt(index: number): void {
    const unused = this.queueVectors.slice(0, index).filter((vector) => vector === NO_VECTOR).length;
    super.queueInterrupt(index - unused);
  }
}

export default defineDefect({
  id: "R51",
  name: "interrupts renumbered after filtering",
  seen: "cloud-hypervisor e4f074452 (2026)",
  needs: "interleaving",
  scenarios: ["second-queue"],
  replacements: [{ base: FunctionInterrupts, by: CompactsQueues }],
});
