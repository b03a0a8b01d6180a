/** Neither ISR nor line are touched by a reset. */
import { FunctionInterrupts } from "../../host/function-interrupts.ts";
import { defineDefect } from "../defect.ts";

class KeepsLine extends FunctionInterrupts {
  override reset(): void {
    this.pin.readAndClear = () => 0;
    super.reset();
    Reflect.deleteProperty(this.pin, "readAndClear");
  }
}

export default defineDefect({
  id: "R44",
  name: "line and ISR survive a reset",
  seen: "libvmm PR 349 (2026), QEMU s390 6504a93011 (2013)",
  needs: "interleaving",
  scenarios: ["reset", "reset-event"],
  replacements: [{ base: FunctionInterrupts, by: KeepsLine }],
});
