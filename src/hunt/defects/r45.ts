/** With MSI-X on, the message is sent and the ISR left as it was. */
import { FunctionInterrupts } from "../../host/function-interrupts.ts";
import { defineDefect } from "../defect.ts";

class MessageOnly extends FunctionInterrupts {
  protected override raise(isr: number, vector: number): void {
    super.raise(this.msixEnabled ? 0 : isr, vector);
  }
}

export default defineDefect({
  id: "R45",
  name: "ISR not set by the fast path",
  seen: "QEMU 83d768b564 (2016)",
  needs: "interleaving",
  scenarios: ["poll-isr"],
  replacements: [{ base: FunctionInterrupts, by: MessageOnly }],
});
