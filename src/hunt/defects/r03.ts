/** NO_NOTIFY is read before avail.idx is out. Program order swapped, so that interleaving shows it. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";

/** Decides about the kick first and publishes then. */
export class EarlyKickDecision extends DriverQueue {
  override kickPrepare(): boolean {
    this.publish = () => {};
    const wanted = super.kickPrepare();
    Reflect.deleteProperty(this, "publish");
    const { kickedAvail } = this;
    this.publish();
    this.kickedAvail = kickedAvail;
    return wanted;
  }
}

export default defineDefect({
  id: "R03",
  name: "driver reads NO_NOTIFY before avail.idx is out",
  seen: "DPDK net/virtio d21d05c7a9 (2019), OSv 8e89eab2 (2014)",
  needs: "interleaving",
  note: "a missing barrier, planted as a swap of program order",
  scenarios: ["flags", "round"],
  replacements: [{ base: DriverQueue, by: EarlyKickDecision }],
});
