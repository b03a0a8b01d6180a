/** avail_event is written whether or not event index was negotiated. */
import { DeviceQueue } from "../../host/index.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const WRITE_AVAIL_EVENT = site("device: write avail_event");

class AlwaysWritesEvent extends DeviceQueue {
  override enableNotifications(): boolean {
    this.memory.store16(this.ring + this.layout.availEvent, this.lastAvail, WRITE_AVAIL_EVENT);
    return super.enableNotifications();
  }
}

export default defineDefect({
  id: "R31",
  name: "event fields used without negotiation",
  seen: "kvmtool b7af514 (2017), 717a3ab (2022)",
  needs: "interleaving",
  scenarios: ["flags"],
  replacements: [{ base: DeviceQueue, by: AlwaysWritesEvent }],
});
