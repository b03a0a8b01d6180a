/** ISR bits are set by a read and a write: what another thread sets in between is lost. */
import { IntxPin } from "../../bus/intx.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const SET_ISR = site("isr: set");

class PlainOr extends IntxPin {
  override raise(bits: number): void {
    const isr = this.memory.read32(this.isr, SET_ISR);
    this.memory.write32(this.isr, isr | bits, SET_ISR);
    super.raise(0);
  }
}

export default defineDefect({
  id: "R20",
  name: "ISR bit lost between two workers",
  seen: "kvm-host PR 50 (2026), kvmtool 2921448 (2023), QEMU 0687c37c5e (2016)",
  needs: "interleaving",
  scenarios: ["two-workers"],
  replacements: [{ base: IntxPin, by: PlainOr }],
});
