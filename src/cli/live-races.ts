/** What the race detector says of a live machine: lines for people, stable keys for scripts. */
import type { LiveReport } from "../hunt/races/live.ts";
import { describeRace } from "../hunt/races/report.ts";
import { orderingsJson, orderingsTable } from "./orderings.ts";

export function liveRacesText({ accesses, races, lines, justified }: LiveReport): string {
  const said = `races     ${races.length === 0 ? "none" : races.length} in ${accesses} shared accesses`;
  return [said, ...lines, "", orderingsTable(justified)].join("\n");
}

export const liveRacesJson = ({ accesses, races, threads, justified }: LiveReport) => ({
  accesses,
  threads,
  found: races.map((race) => ({ text: describeRace(race, threads), ...race })),
  orderings: orderingsJson(justified),
});
