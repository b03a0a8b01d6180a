/** The ring index is not masked: right for as many requests as the ring has entries. */
import { type Chain, DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";

class Unmasked extends DeviceQueue {
  override push(chain: Chain, written: number): void {
    const masked = this.mask;
    Object.assign(this, { mask: 0xffff });
    super.push(chain, written);
    Object.assign(this, { mask: masked });
  }
}

export default defineDefect({
  id: "R80",
  name: "ring index not masked",
  seen: "DPDK 38e6400387 (2025)",
  needs: "interleaving",
  scenarios: ["round"],
  replacements: [{ base: DeviceQueue, by: Unmasked }],
});
