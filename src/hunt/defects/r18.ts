/** avail.idx is read as two bytes. */
import { DeviceQueue } from "../../host/index.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const READ_AVAIL_INDEX = site("device: read avail.idx");

export class TornIndex extends DeviceQueue {
  protected override refresh(): boolean {
    const { memory } = this;
    const whole = memory.load16;
    const at = this.ring + this.layout.availIndex;
    const low = memory.read8(at, READ_AVAIL_INDEX);
    const high = memory.read8(at + 1, READ_AVAIL_INDEX);
    memory.load16 = () => (high << 8) | low;
    try {
      return super.refresh();
    } finally {
      memory.load16 = whole;
    }
  }
}

export default defineDefect({
  id: "R18",
  name: "16-bit index read byte by byte",
  seen: "vm-memory PR 97 (2020), crosvm 1f4797875 (2022)",
  needs: "interleaving",
  note: "a torn load, planted as two loads",
  scenarios: ["byte-wrap"],
  replacements: [{ base: DeviceQueue, by: TornIndex }],
});
