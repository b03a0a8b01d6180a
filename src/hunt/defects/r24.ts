/** The crossing test is off by one: (old, new] instead of [old, new). */
import { DeviceQueue } from "../../host/index.ts";
import { needEvent } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const READ_USED_EVENT = site("device: read used_event");

class OffByOne extends DeviceQueue {
  protected override driverWantsInterrupt(): boolean {
    if (!this.eventIndex) return super.driverWantsInterrupt();
    const before = this.signalledUsed;
    this.signalledUsed = this.usedIndex;
    const event = this.memory.load16(this.ring + this.layout.usedEvent, READ_USED_EVENT);
    return needEvent((event - 1) & 0xffff, this.usedIndex, before);
  }
}

export default defineDefect({
  id: "R24",
  name: "need-event off by one",
  seen: "v86 b09935f2 and 9e9a4880 (2018)",
  needs: "interleaving",
  scenarios: ["event-index", "in-turn"],
  replacements: [{ base: DeviceQueue, by: OffByOne }],
});
