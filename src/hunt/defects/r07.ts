/** used_event is read before used.idx is out. */
import { DeviceQueue } from "../../host/index.ts";
import { defineDefect } from "../defect.ts";
import { EarlyInterruptDecision } from "./r01.ts";

export default defineDefect({
  id: "R07",
  name: "device reads used_event before used.idx is out",
  seen: "kvmtool d7d79bd (2020), DPDK vhost 159793ac86 (2015), cloud-hypervisor PR 926 (2020), ACRN PR 2733, SPDK 3178",
  needs: "interleaving",
  note: "a missing full barrier, planted as a swap of program order",
  scenarios: ["event-index", "batches", "in-turn"],
  replacements: [{ base: DeviceQueue, by: EarlyInterruptDecision }],
});
