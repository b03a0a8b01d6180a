/** Something else clears the ISR as soon as the interrupt is on its way. */
import { IntxPin } from "../../bus/intx.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const CLEAR_ISR = site("isr: read and clear");

class ClearsAtDelivery extends IntxPin {
  override raise(bits: number): void {
    super.raise(bits);
    this.memory.store32(this.isr, 0, CLEAR_ISR);
  }
}

export default defineDefect({
  id: "R46",
  name: "device clears ISR before the driver reads it",
  seen: "tt-bh-linux PR 118 (2025)",
  needs: "interleaving",
  scenarios: ["line"],
  replacements: [{ base: IntxPin, by: ClearsAtDelivery }],
});
