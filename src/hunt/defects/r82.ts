/** The count of chains in flight is a difference in the wrong width. */
import { DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";

class WideDifference extends DeviceQueue {
  override get inFlight(): number {
    return this.lastAvail - this.usedIndex;
  }
}

export default defineDefect({
  id: "R82",
  name: "in-flight count wrong across the wrap",
  seen: "QEMU bccdef6b1a, e66bcc4081, 58a83c6149 (2016)",
  needs: "interleaving",
  scenarios: ["index-wrap"],
  replacements: [{ base: DeviceQueue, by: WideDifference }],
});
