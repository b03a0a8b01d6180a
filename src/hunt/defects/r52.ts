/** A change that comes while an earlier one has not been looked at is not announced again. */
import { VirtioDevice } from "../../host/virtio-device.ts";
import { defineDefect } from "../defect.ts";

let announced: VirtioDevice | undefined;

class AnnouncesOnce extends VirtioDevice {
  override updateConfig(offset: number, bytes: Uint8Array): void {
    if (announced !== this) {
      announced = this;
      super.updateConfig(offset, bytes);
    } else this.config.set(bytes, offset);
  }
}

export default defineDefect({
  id: "R52",
  name: "configuration change that the driver cannot see",
  seen: "cloud-hypervisor PR 8185 (2026), propolis PR 998 (2026)",
  needs: "interleaving",
  note: "the generation counter that was not bumped does not exist here: planted as a change without a notice",
  scenarios: ["resize"],
  replacements: [{ base: VirtioDevice, by: AnnouncesOnce }],
});
