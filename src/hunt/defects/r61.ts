/** The device's position in the available ring survives a reset. */
import { DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";

let kept = 0;

class KeepsPosition extends DeviceQueue {
  override detach(): void {
    kept = this.lastAvail;
    super.detach();
  }
  protected override refresh(): boolean {
    if (this.epoch > 0 && this.lastAvail === 0 && !this.broken) this.lastAvail = kept;
    return super.refresh();
  }
}

export default defineDefect({
  id: "R61",
  name: "reset that does not reset everything",
  seen: "cloud-hypervisor PR 1120 (2020), QEMU 60a8d80234 (2017), 46c5d0823d (2015), s390-ccw d1028f1b5b (2014)",
  needs: "interleaving",
  scenarios: ["reset", "reset-event"],
  replacements: [{ base: DeviceQueue, by: KeepsPosition }],
});
