/** The sleep is announced only when it begins, after the last look for work. */
import { Doorbell } from "../../memory/doorbell.ts";
import type { WaitResult } from "../../memory/shared-memory.ts";
import { site } from "../../wire/sites.ts";
import { defineDefect } from "../defect.ts";

const ANNOUNCE = site("doorbell: announce sleep");
const LOOK = site("doorbell: look");

class LateAnnouncement extends Doorbell {
  override announce(): number {
    return this.memory.load32(this.rings, LOOK);
  }
  override cancel(): void {}
  override sleep(ticket: number, timeoutMs: number): WaitResult {
    this.memory.add32(this.sleepers, 1, ANNOUNCE);
    const result = super.sleep(ticket, timeoutMs);
    this.memory.add32(this.sleepers, -1, ANNOUNCE);
    return result;
  }
}

export default defineDefect({
  id: "R08",
  name: "sleep announced after the last look",
  seen: "hvisor PR 266 (2026)",
  needs: "interleaving",
  note: "a missing full barrier, planted as a swap of program order",
  scenarios: ["flags", "line"],
  replacements: [{ base: Doorbell, by: LateAnnouncement }],
});
