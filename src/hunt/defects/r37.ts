/** One request per kick. */
import { type Chain, DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";

class OnePerKick extends DeviceQueue {
  override serve(handle: (chain: Chain) => void): void {
    const chain = this.pop();
    if (chain !== undefined) handle(chain);
    this.flush();
    this.enableNotifications();
  }
}

export default defineDefect({
  id: "R37",
  name: "one request per kick",
  seen: "v86 309175f2 (2018)",
  needs: "interleaving",
  scenarios: ["batches", "flags"],
  replacements: [{ base: DeviceQueue, by: OnePerKick }],
});
