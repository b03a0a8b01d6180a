/** The interrupt is acknowledged after the rings were handled. */
import { Interrupts } from "../../guest/virtio-pci/interrupts.ts";
import { ISR } from "../../wire/legacy-registers.ts";
import { defineDefect } from "../defect.ts";

class AcknowledgesLast extends Interrupts {
  protected override serveLine(): boolean {
    const handled = this.allQueues();
    const isr = this.registers.read("isr");
    if ((isr & ISR.CONFIG) !== 0) this.config();
    return handled || isr !== 0;
  }
}

export default defineDefect({
  id: "R41",
  name: "acknowledge after handling eats the next interrupt",
  seen: "asterinas PR 2493 (2025)",
  needs: "interleaving",
  scenarios: ["line", "in-turn"],
  replacements: [{ base: Interrupts, by: AcknowledgesLast }],
});
