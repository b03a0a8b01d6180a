/** The hunter's small scenarios in which what happened to a machine could happen: where to look for a schedule. */
import type { Episode } from "../episode/swarm.ts";

/** Null: nothing that a schedule of bus accesses would show. */
export function huntLine({ machine, weights, deeds, plants, own }: Episode, what: string): string | null {
  const aboutOrder = /stalled|was lost|was doubled|violated|carries stamp|used\.idx|avail\.idx/.test(what);
  if (!aboutOrder || own !== undefined || plants.fault !== undefined) return null;
  const line = machine.interrupts === "intx";
  const scenarios = [machine.eventIndex ? (line ? "in-turn" : "event-index") : line ? "line" : "flags"];
  if (machine.indirect) scenarios.push("indirect");
  if (weights.mask > 0 && !line) scenarios.push("mask");
  if (weights.reset + weights.rebind > 0) scenarios.push(machine.eventIndex ? "reset-event" : "reset");
  if (deeds.pull + deeds["kill host"] > 0) scenarios.push("unplug");
  const defect = plants.defect === undefined ? "" : ` --defect ${plants.defect}`;
  return `virtlab hunt ${scenarios.join(" ")}${defect}`;
}
