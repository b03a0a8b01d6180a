/** Drain, ask for kicks, return: what was added between the last look and the wish stays where it is. */
import { DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";

class NoSecondLook extends DeviceQueue {
  override enableNotifications(): boolean {
    super.enableNotifications();
    return false;
  }
}

export default defineDefect({
  id: "R33",
  name: "no second look after enabling kicks",
  seen: "QEMU virtio-crypto 600f5ce356 (2016)",
  needs: "interleaving",
  scenarios: ["flags", "event-index"],
  replacements: [{ base: DeviceQueue, by: NoSecondLook }],
});
