/** The device was pulled out, but its worker goes on with what it has. */
import { VirtioFunction } from "../../host/virtio-function.ts";
import { defineDefect } from "../defect.ts";

class NobodyJoins extends VirtioFunction {
  override unplug(): void {}
}

export default defineDefect({
  id: "R65",
  name: "worker outlives the device",
  seen: "QEMU 184b962346 (2018), cloud-hypervisor dd3a2f264, 7e2e7a164 (2026), Firecracker 548d79224 (2026)",
  needs: "interleaving",
  scenarios: ["unplug"],
  replacements: [{ base: VirtioFunction, by: NobodyJoins }],
});
