/** The number of entries since the last kick decision is kept in too few bits. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";

/** 65536 publications between two kicks take too long to wait for: two bits show the same. */
const COUNTER_MASK = 3;

class NarrowCounter extends DriverQueue {
  override kickPrepare(): boolean {
    const added = (this.availIndex - this.kickedAvail) & COUNTER_MASK;
    this.kickedAvail = (this.availIndex - added) & 0xffff;
    return super.kickPrepare();
  }
}

export default defineDefect({
  id: "R22",
  name: "entries since the last kick counted in too few bits",
  seen: "Linux ee7cd8981e15 (2012), OSv 2cb094fe (2014), virtio-win PR 923 (2023)",
  needs: "interleaving",
  note: "planted with a counter of two bits instead of sixteen",
  scenarios: ["late-kick"],
  replacements: [{ base: DriverQueue, by: NarrowCounter }],
});
