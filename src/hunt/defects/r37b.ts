/** A reply that comes later is pushed, but nobody flushes it. */
import type { Chain, DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";
import { LateDevice } from "../machine/stamp-device.ts";

class NeverFlushes extends LateDevice {
  protected override finish(queue: DeviceQueue, chain: Chain): void {
    if (!queue.detached) this.answer(queue, chain);
  }
}

export default defineDefect({
  id: "R37b",
  name: "reply produced after the flush",
  seen: "v86 9d4b5cff (2018)",
  needs: "interleaving",
  scenarios: ["out-of-order"],
  replacements: [{ base: LateDevice, by: NeverFlushes }],
});
