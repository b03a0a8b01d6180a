/** The queue is emptied by a path that does not move avail_event on. */
import { DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";

class EventStays extends DeviceQueue {
  override enableNotifications(): boolean {
    return this.eventIndex ? this.refresh() : super.enableNotifications();
  }
}

export default defineDefect({
  id: "R29",
  name: "avail_event not advanced by the device",
  seen: "QEMU a3614c65cf (2014), Firecracker 1f87dbb6e (2026)",
  needs: "interleaving",
  scenarios: ["event-index", "in-turn"],
  replacements: [{ base: DeviceQueue, by: EventStays }],
});
