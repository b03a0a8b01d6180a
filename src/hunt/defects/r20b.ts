/** The ISR is read and then cleared, as two accesses. */
import { IntxPin } from "../../bus/intx.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const CLEAR_ISR = site("isr: read and clear");

class ReadThenClear extends IntxPin {
  override readAndClear(): number {
    const isr = this.memory.load32(this.isr, CLEAR_ISR);
    this.memory.store32(this.isr, 0, CLEAR_ISR);
    super.readAndClear();
    return isr;
  }
}

export default defineDefect({
  id: "R20b",
  name: "ISR read and cleared in two accesses",
  seen: "kvm-host PR 50 (2026)",
  needs: "interleaving",
  scenarios: ["two-workers"],
  replacements: [{ base: IntxPin, by: ReadThenClear }],
});
