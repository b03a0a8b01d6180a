/** A completion that was under way when the device was reset still writes to the ring. */
import { DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";

class OutlivesReset extends DeviceQueue {
  override detach(): void {}
}

export default defineDefect({
  id: "R59",
  name: "asynchronous completion after reset",
  seen: "QEMU 94b52958b7 (2018), ebb6ff25cd (2019), openvmm PR 3915 (2026), kvmtool 3f218e8 (2019)",
  needs: "interleaving",
  scenarios: ["reset", "give-up"],
  replacements: [{ base: DeviceQueue, by: OutlivesReset }],
});
