/** The suppression flag is read before the used index is out. Program order swapped, so that interleaving shows it. */
import { DeviceQueue } from "../../host/index.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const PUBLISH_USED = site("device: publish used.idx");

/** Decides about the interrupt first and publishes then. */
export class EarlyInterruptDecision extends DeviceQueue {
  override flush(): void {
    if (this.usedIndex === this.publishedUsed || this.detached) return;
    const wanted = this.driverWantsInterrupt();
    this.memory.store16(this.ring + this.layout.usedIndex, this.usedIndex, PUBLISH_USED);
    this.publishedUsed = this.usedIndex;
    if (wanted) this.options.interrupt();
  }
}

export default defineDefect({
  id: "R01",
  name: "device reads the interrupt flag before used.idx is out",
  seen: "QEMU hw/virtio.c a281ebc11a (2012)",
  needs: "interleaving",
  note: "a missing barrier, planted as a swap of program order",
  scenarios: ["out-of-order", "flags"],
  replacements: [{ base: DeviceQueue, by: EarlyInterruptDecision }],
});
