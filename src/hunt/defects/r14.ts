/** The ring entry is read before avail.idx says that it is there. */
import { type Chain, DeviceQueue } from "../../host/index.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const READ_AVAIL_ENTRY = site("device: read avail ring entry");

class EarlyEntry extends DeviceQueue {
  override pop(): Chain | undefined {
    const slot = this.ring + this.layout.availRing + 2 * (this.lastAvail & this.mask);
    const early = this.memory.read16(slot, READ_AVAIL_ENTRY);
    if (this.lastAvail === this.availIndex && !this.refresh()) return undefined;
    return this.broken || this.detached ? undefined : this.take(early);
  }
}

export default defineDefect({
  id: "R14",
  name: "fresh avail.idx, stale ring entry",
  seen: "kvmtool 15c4e1e (2018), QEMU a821ce5933 (2012), Firecracker PR 2169 (2020), crosvm 1fe0c4481 (2022)",
  needs: "interleaving",
  note: "a missing read barrier, planted as a swap of program order",
  scenarios: ["flags", "round"],
  replacements: [{ base: DeviceQueue, by: EarlyEntry }],
});
