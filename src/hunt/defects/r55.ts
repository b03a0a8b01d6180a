/** A device that has given up does not say so: its last interrupt is held back because it has given up. */
import { type Chain, DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";
import { StampDevice } from "../machine/stamp-device.ts";

let gaveUp: DeviceQueue | undefined;

class BrokenFirst extends StampDevice {
  protected override reject(queue: DeviceQueue, chain: Chain): void {
    gaveUp = queue;
    super.reject(queue, chain);
  }
}

class SilentWhenBroken extends DeviceQueue {
  protected override driverWantsInterrupt(): boolean {
    return super.driverWantsInterrupt() && gaveUp !== this;
  }
}

export default defineDefect({
  id: "R55",
  name: "broken device cannot send its last interrupt",
  seen: "QEMU 66453cff9e (2017)",
  needs: "interleaving",
  scenarios: ["malformed"],
  replacements: [
    { base: StampDevice, by: BrokenFirst },
    { base: DeviceQueue, by: SilentWhenBroken },
  ],
});
