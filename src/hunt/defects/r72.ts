/** An avail.idx that jumped is followed entry by entry, without a bound. The jump comes from a torn read. */
import { DeviceQueue } from "../../host/index.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const READ_AVAIL_INDEX = site("device: read avail.idx");

class Unbounded extends DeviceQueue {
  protected override refresh(): boolean {
    if (this.broken || this.detached) return false;
    const at = this.ring + this.layout.availIndex;
    const low = this.memory.read8(at, READ_AVAIL_INDEX);
    this.availIndex = low | (this.memory.read8(at + 1, READ_AVAIL_INDEX) << 8);
    return this.availIndex !== this.lastAvail;
  }
}

export default defineDefect({
  id: "R72",
  name: "avail.idx jumps by more than the ring size",
  seen: "vm-virtio 16f1b01 (2022), Firecracker issue 3149, QEMU afd9096eb1 (2016)",
  needs: "interleaving",
  note: "with the torn read of R18, which makes the jump",
  scenarios: ["byte-wrap"],
  replacements: [{ base: DeviceQueue, by: Unbounded }],
});
