/** Pending messages are delivered when a vector is unmasked, but not when the function is. */
import { Msix } from "../../bus/msix.ts";
import { defineDefect } from "../defect.ts";

class ForgetsFunctionMask extends Msix {
  override writeControl(value: number): void {
    this.deliverPending = () => {};
    super.writeControl(value);
    Reflect.deleteProperty(this, "deliverPending");
  }
}

export default defineDefect({
  id: "R48b",
  name: "function mask ignored on replay",
  seen: "libvfio-user issues 806 and 807 (2024)",
  needs: "interleaving",
  scenarios: ["mask"],
  replacements: [{ base: Msix, by: ForgetsFunctionMask }],
});
