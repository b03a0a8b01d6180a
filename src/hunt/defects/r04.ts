/** As R03 with event index: avail_event is read before avail.idx is out. */
import { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { defineDefect } from "../defect.ts";
import { EarlyKickDecision } from "./r03.ts";

export default defineDefect({
  id: "R04",
  name: "driver reads avail_event before avail.idx is out",
  seen: "OSv 053bcf8e (2014)",
  needs: "interleaving",
  note: "a missing barrier, planted as a swap of program order",
  scenarios: ["event-index", "in-turn"],
  replacements: [{ base: DriverQueue, by: EarlyKickDecision }],
});
