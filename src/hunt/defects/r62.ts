/** A gate that holds the device's answers is not part of its reset. */
import { defineDefect } from "../defect.ts";
import { GatedDevice } from "../machine/stamp-device.ts";

class GateStays extends GatedDevice {
  protected override open(): void {}
}

export default defineDefect({
  id: "R62",
  name: "a gate flag survives reset",
  seen: "Firecracker PR 5891 (2026)",
  needs: "interleaving",
  scenarios: ["gate"],
  replacements: [{ base: GatedDevice, by: GateStays }],
});
