/** After a hand-over the last interrupt decision is taken to stand at the current index, which nobody was told of. */
import { DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";

class TakesIndexForSignalled extends DeviceQueue {
  protected override driverWantsInterrupt(): boolean {
    if (this.epoch > 0 && this.signalledUsed === 0) this.signalledUsed = this.usedIndex;
    return super.driverWantsInterrupt();
  }
}

export default defineDefect({
  id: "R25",
  name: "stale signalled_used after the ring was run by another",
  seen: "QEMU 6793dfd1b6, 3561ba1418 (2013), DPDK vhost 2f706027c8 (2019), crosvm 078ef31b7 (2024)",
  needs: "interleaving",
  scenarios: ["reset-event"],
  replacements: [{ base: DeviceQueue, by: TakesIndexForSignalled }],
});
