/** The device resets a little later than it says, and the driver does not wait until its status reads 0. */
import { VirtioPciTransport } from "../../guest/virtio-pci/transport.ts";
import { VirtioDevice } from "../../host/virtio-device.ts";
import { defineDefect } from "../defect.ts";

class ReadsBackOnce extends VirtioPciTransport {
  override reset(): void {
    this.registers.write("status", 0);
    this.registers.read("status");
  }
}

/** The reset takes effect at the next write of the status. */
class ResetsLater extends VirtioDevice {
  override reset(): void {
    this.setStatus = (value) => {
      Reflect.deleteProperty(this, "setStatus");
      super.reset();
      this.setStatus(value);
    };
  }
}

export default defineDefect({
  id: "R63",
  name: "driver does not wait for reset to finish",
  seen: "rcore PR 69 (2023), virtio-win 24a06e56 (2021)",
  needs: "interleaving",
  scenarios: ["reset", "give-up"],
  replacements: [
    { base: VirtioPciTransport, by: ReadsBackOnce },
    { base: VirtioDevice, by: ResetsLater },
  ],
});
