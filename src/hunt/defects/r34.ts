/** The second look asks "enough now?", and the wish is armed with the index from before the capacity test. */
import type { DeviceQueue } from "../../host/index.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";
import { GatheringDevice, NEEDED } from "../machine/choosy-devices.ts";

const READ_AVAIL_INDEX = site("device: read avail.idx");
const WRITE_AVAIL_EVENT = site("device: write avail_event");

class TestsCapacity extends GatheringDevice {
  protected override rest(queue: DeviceQueue): boolean {
    const { memory } = this.context.ram;
    const at = ringOf(queue);
    const seen = memory.load16(at.availIndex, READ_AVAIL_INDEX);
    if (seen >= NEEDED && this.executed.size === 0) return true;
    memory.store16(at.availEvent, seen, WRITE_AVAIL_EVENT);
    const now = memory.load16(at.availIndex, READ_AVAIL_INDEX);
    return now >= NEEDED && this.executed.size === 0;
  }
}

interface OpenQueue {
  readonly ring: number;
  readonly layout: { readonly availIndex: number; readonly availEvent: number };
}

function ringOf(queue: DeviceQueue): { availIndex: number; availEvent: number } {
  const { ring, layout } = queue as unknown as OpenQueue;
  return { availIndex: ring + layout.availIndex, availEvent: ring + layout.availEvent };
}

export default defineDefect({
  id: "R34",
  name: "second look that tests the wrong thing",
  seen: "QEMU virtio-net 06b1297017 (2010) to d682e526d7 (2024)",
  needs: "interleaving",
  scenarios: ["gather"],
  replacements: [{ base: GatheringDevice, by: TestsCapacity }],
});
