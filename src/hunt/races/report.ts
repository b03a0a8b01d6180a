/** A race as people read it: both places, both values, what would order them, and whether they may tear. */
import { siteLabel } from "../../wire/sites.ts";
import type { Access, Race } from "./detector.ts";

/** What scenarios call their shared buffers. */
const MEMORIES = ["control", "ram"];

export const describeRace = (race: Race, agents: readonly string[]): string =>
  `${describeAccess(race.first, agents)} and ${describeAccess(race.second, agents)} overlap in ` +
  `${race.bytes} bytes: ${race.missing}${race.mayTear ? "; they may tear" : ""}`;

function describeAccess(access: Access, agents: readonly string[]): string {
  const how = access.bulk ? "bulk" : access.atomic ? "atomic" : "plain";
  const where = `${MEMORIES[access.memory] ?? access.memory}+0x${access.offset.toString(16)}`;
  const value = access.bulk ? "" : `, value 0x${((access.value ?? 0) >>> 0).toString(16)}`;
  const site = access.site === undefined || access.site === 0 ? "" : ` at "${siteLabel(access.site)}"`;
  const who = agents[access.agent] ?? `agent ${access.agent}`;
  return `${who}'s ${how} ${access.type} of ${access.bytes} bytes of ${where}${site}${value}`;
}

/** The same two places in every execution: what makes two reports one. */
export const raceKey = ({ first, second }: Race): string =>
  [first, second]
    .map(
      (access) =>
        `${access.agent}/${access.site || access.offset}/${access.type}/${access.atomic}/${access.bytes}`,
    )
    .join();
