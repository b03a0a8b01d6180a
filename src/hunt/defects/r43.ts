/** A handler that does not read its ISR: the line stays up. */
import { Interrupts } from "../../guest/virtio-pci/interrupts.ts";
import { defineDefect } from "../defect.ts";

class NeverAcknowledges extends Interrupts {
  protected override serveLine(): boolean {
    return this.allQueues();
  }
}

export default defineDefect({
  id: "R43",
  name: "handler on a shared line never reads its ISR",
  seen: "hermit-os PR 2231 (2026), IncludeOS issues 503 (2016) and 15 (2014)",
  needs: "interleaving",
  scenarios: ["line", "shared-line"],
  replacements: [{ base: Interrupts, by: NeverAcknowledges }],
});
