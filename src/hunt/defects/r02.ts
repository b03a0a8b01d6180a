/** The last look at avail.idx comes before the wish for kicks is out. */
import { DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";

class LookBeforeWish extends DeviceQueue {
  override enableNotifications(): boolean {
    if (this.refresh()) return true;
    this.refresh = () => false;
    super.enableNotifications();
    Reflect.deleteProperty(this, "refresh");
    return false;
  }
}

export default defineDefect({
  id: "R02",
  name: "device looks at avail.idx before it enables kicks",
  seen: "QEMU hw/virtio.c 92045d80ba (2012)",
  needs: "interleaving",
  note: "a missing barrier, planted as a swap of program order",
  scenarios: ["flags", "event-index"],
  replacements: [{ base: DeviceQueue, by: LookBeforeWish }],
});
