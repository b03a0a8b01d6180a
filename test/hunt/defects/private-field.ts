/** A defect that is planted wrong: what has the base's constructor has no private field of the replacement. */

import { DeviceQueue } from "../../../src/host/index.ts";
import { defineDefect } from "../../../src/hunt/defect.ts";

class Counting extends DeviceQueue {
  readonly #looks: number[] = [];

  override enableNotifications(): boolean {
    this.#looks.push(performance.now());
    return super.enableNotifications();
  }
}

export default defineDefect({
  id: "X1",
  name: "looks are counted",
  seen: "nowhere",
  needs: "interleaving",
  scenarios: ["flags"],
  replacements: [{ base: DeviceQueue, by: Counting }],
});
