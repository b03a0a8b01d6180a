/** A message for a masked vector is dropped instead of remembered. */
import { Msix } from "../../bus/msix.ts";
import { defineDefect } from "../defect.ts";

class DropsMasked extends Msix {
  override raise(vector: number): boolean {
    return this.masked(vector) ? vector < this.vectors : super.raise(vector);
  }
}

export default defineDefect({
  id: "R48",
  name: "message raised while masked is dropped",
  seen: "rocm-ernic PR 111 (2026), cloud-hypervisor 7813 (2026), libvfio-user 806 and 807 (2024)",
  needs: "interleaving",
  scenarios: ["mask"],
  replacements: [{ base: Msix, by: DropsMasked }],
});
