/** A queue without a vector uses vector 0. */
import { FunctionInterrupts } from "../../host/function-interrupts.ts";
import { ISR, NO_VECTOR } from "../../wire/legacy-registers.ts";
import { defineDefect } from "../defect.ts";

class ZeroForNone extends FunctionInterrupts {
  override queueInterrupt(index: number): void {
    const vector = this.queueVector(index);
    this.raise(ISR.QUEUE, vector === NO_VECTOR ? 0 : vector);
  }
}

export default defineDefect({
  id: "R50",
  name: "NO_VECTOR mishandled",
  seen: "viostor c0fe9d04 (2026), crosvm 081ad6b6c (2019), cloud-hypervisor PR 2397 (2021)",
  needs: "interleaving",
  scenarios: ["no-vector"],
  replacements: [{ base: FunctionInterrupts, by: ZeroForNone }],
});
