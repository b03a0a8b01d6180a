/** A queue is taken back from the thread that serves it without waiting until that thread has let go of it. */
import { ThreadCaller } from "../../bus/thread-call.ts";
import { defineDefect } from "../defect.ts";

class DoesNotWait extends ThreadCaller {
  protected override awaitDone(): boolean {
    return true;
  }
}

export default defineDefect({
  id: "R65b",
  name: "thread outlives what it serves",
  seen: "QEMU 184b962346 (2018), cloud-hypervisor dd3a2f264 and 7e2e7a164 (2026), Firecracker 548d79224 (2026)",
  needs: "interleaving",
  scenarios: ["io-take-back", "take-back"],
  replacements: [{ base: ThreadCaller, by: DoesNotWait }],
});
