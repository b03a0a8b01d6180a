/** The device starts whenever DRIVER_OK is written, not when it goes up. */
import { VirtioDevice } from "../../host/virtio-device.ts";
import { STATUS } from "../../wire/status.ts";
import { defineDefect } from "../defect.ts";

class StartsByState extends VirtioDevice {
  override setStatus(value: number): void {
    const again = (this.status & value & STATUS.DRIVER_OK) !== 0;
    super.setStatus(value);
    if (again) this.model.started?.(this);
  }
}

export default defineDefect({
  id: "R58",
  name: "start runs twice",
  seen: "QEMU 8caf907f07 (2013), 9a4b6a63ae (2022), cloud-hypervisor 57e766bdb (2026)",
  needs: "interleaving",
  scenarios: ["two-starts"],
  replacements: [{ base: VirtioDevice, by: StartsByState }],
});
