/** A race as people read it: both places, both values, what would order them, and whether they may tear. */
import { relative } from "node:path";
import { siteLabel } from "../../wire/sites.ts";
import type { Recording } from "../hunter.ts";
import type { Access, Race } from "./detector.ts";

/** What scenarios call their shared buffers. */
const MEMORIES = ["control", "ram"];

export const describeRace = (race: Race, agents: readonly string[]): string =>
  `${describeAccess(race.first, agents)} and ${describeAccess(race.second, agents)} overlap in ` +
  `${race.bytes} bytes: ${race.missing}${race.mayTear ? "; they may tear" : ""}`;

function describeAccess(access: Access, agents: readonly string[]): string {
  const how = access.bulk ? "bulk" : access.atomic ? "atomic" : "plain";
  const where = `${MEMORIES[access.memory] ?? access.memory}+0x${access.offset.toString(16)}`;
  const value = access.bulk ? "" : `, value ${hex(access.value ?? 0)}`;
  const site = access.site === undefined || access.site === 0 ? "" : ` at "${siteLabel(access.site)}"`;
  const who = agents[access.agent] ?? `agent ${access.agent}`;
  return `${who}'s ${how} ${access.type} of ${access.bytes} bytes of ${where}${site}${value}`;
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** The same two places in every execution: what makes two reports one. */
export const raceKey = ({ first, second }: Race): string =>
  [first, second]
    .map(
      (access) =>
        `${access.agent}/${access.site || access.offset}/${access.type}/${access.atomic}/${access.bytes}`,
    )
    .join();

/** Where an access was asked for: "file:line", most direct first. */
export type StackOf = (access: Access) => readonly string[];

/** Of an execution that was written down. */
export const stacksOf = ({ entries }: Pick<Recording, "entries">): StackOf => {
  const stacks = new Map(
    entries.flatMap((entry) => (entry.type === "access" ? [[entry.event, entry.stack] as const] : [])),
  );
  return ({ event = -1 }) => stacks.get(event) ?? [];
};

/** A report of several lines, with both stacks. */
export function explainRace(race: Race, agents: readonly string[], stackOf: StackOf): string[] {
  const side = (access: Access): string[] => [
    `  ${describeAccess(access, agents)}`,
    ...stackOf(access).map((place) => `      at ${nearby(place)}`),
  ];
  return [
    `data race on ${race.bytes} bytes at ${MEMORIES[race.first.memory] ?? race.first.memory}+${hex(race.offset)}`,
    ...side(race.first),
    ...side(race.second),
    `  missing: ${race.missing}`,
    race.mayTear
      ? "  tearing: one may see a part of the other's bytes"
      : "  tearing: none, but either may see the other's value or an old one",
  ];
}

/** Paths under the working directory without it. */
function nearby(place: string): string {
  const short = relative(process.cwd(), place);
  return short.startsWith("..") ? place : short;
}
