/** A chain that cannot be parsed is never given back. */
import { defineDefect } from "../defect.ts";
import { StampDevice } from "../machine/stamp-device.ts";

class LeaksMalformed extends StampDevice {
  protected override reject(): void {}
}

export default defineDefect({
  id: "R81",
  name: "head leaked on a parse error",
  seen: "cloud-hypervisor e1a63b41f (2026)",
  needs: "interleaving",
  scenarios: ["malformed"],
  replacements: [{ base: StampDevice, by: LeaksMalformed }],
});
