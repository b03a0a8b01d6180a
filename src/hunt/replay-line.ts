/**
 * The line that repeats a failure: scenario, defect, free choices and switches, each switch named by actor, site and
 * occurrence, so that it means the same as long as those do.
 *
 *   flags:R33:draws=:guest@driver.publish-avail.idx#1>host,host@doorbell.sleep#2>guest
 *
 * Where that took more than interleavings, a part before the switches says so: race detector, monitor, memory weaker than
 * sequentially consistent, atomic accesses made plain.
 *
 * So does an actor that goes on whenever it can (first.guest), where that is what a failure needs.
 *
 *   publish-1:-:draws=1.0:needs=races,weak.store-buffer,plain.driver.publish-avail.idx:driver@other#1>device
 */
import { UsageError } from "../host/device.ts";
import { nearestName } from "../machine/nearest-name.ts";
import { SITE_COUNT, type SiteLabel, site, siteLabel } from "../wire/sites.ts";
import type { Actor } from "./actors.ts";
import { findScenario } from "./load.ts";
import type { Scenario } from "./scenario.ts";
import { withSpurious } from "./spurious.ts";
import { actorsOf, type WeakSetup } from "./thread.ts";
import type { Switch } from "./trace.ts";
import { WEAKNESSES, type Weakness } from "./weak/weak-memory.ts";

export interface ReplayLine {
  readonly scenario: string;
  readonly defect: string | undefined;
  readonly draws: readonly number[];
  readonly switches: readonly Switch[];
  /** An actor that goes on whenever it can; without one, whoever moves goes on. */
  readonly favoured?: number | undefined;
  /** The race detector watched. */
  readonly races?: boolean;
  /** The monitor watched. */
  readonly monitor?: boolean;
  /** Spurious moves that an execution may have. */
  readonly spurious?: number;
  readonly weak?: WeakSetup | undefined;
}

/** "driver: publish avail.idx" as one word. */
const siteWord = (site: number): string => siteLabel(site).replaceAll(": ", ".").replaceAll(" ", "-");
const actorWord = (name: string): string => name.replaceAll(" ", "-");
const SITE_NUMBERS = new Map(Array.from({ length: SITE_COUNT }, (_, site) => [siteWord(site), site]));

export function formatReplay(line: ReplayLine, actors: readonly Actor[]): string {
  const name = (id: number): string => actorWord(actors[id]?.name ?? String(id));
  const switches = line.switches.map(
    ({ actor, site, occurrence, to }) => `${name(actor)}@${siteWord(site)}#${occurrence}>${name(to)}`,
  );
  const favoured = line.favoured === undefined ? [] : [`first.${name(line.favoured)}`];
  const needs = [...favoured, ...needsOf(line)];
  return [
    line.scenario,
    line.defect ?? "-",
    `draws=${line.draws.join(".")}`,
    ...(needs.length > 0 ? [`needs=${needs.join(",")}`] : []),
    switches.join(","),
  ].join(":");
}

const needsOf = ({ races, monitor, spurious = 0, weak }: ReplayLine): string[] => [
  ...(races === true ? ["races"] : []),
  ...(monitor === true ? ["monitor"] : []),
  ...(spurious > 0 ? [`spurious.${spurious}`] : []),
  ...(weak?.switches ?? []).map((name) => `weak.${name}`),
  ...(weak?.demoted ?? []).map((label) => `plain.${siteWord(site(label))}`),
];

export function parseReplay(text: string, own: readonly Scenario[] = []): ReplayLine {
  const [scenario = "", defect = "-", draws = "", ...more] = text.trim().split(":");
  const needs = more[0]?.startsWith("needs=") ? more[0].slice("needs=".length).split(",") : undefined;
  const rest = needs === undefined ? more : more.slice(1);
  if (!draws.startsWith("draws=")) {
    throw new UsageError(`replay: expected scenario:defect:draws=…:switches, got "${text}"`);
  }
  const [favouring, ...favourings] = needs?.filter((need) => need.startsWith("first.")) ?? [];
  if (favourings.length > 0) throw new UsageError("replay: only one actor can go first");
  const needed = needs && parseNeeds(needs.filter((need) => need !== favouring));
  const { actors } = actorsOf(withSpurious(findScenario(scenario, own), needed?.spurious ?? 0));
  const numbers = new Map(actors.map(({ id, name }) => [actorWord(name), id]));
  const actor = (word: string): number => {
    const id = numbers.get(word);
    if (id !== undefined) return id;
    throw new UsageError(
      `replay: scenario ${scenario} has no actor "${word}"${nearestName(word, numbers.keys())}; it has ${[...numbers.keys()].join(", ")}`,
    );
  };
  return {
    scenario,
    defect: defect === "-" ? undefined : defect,
    draws: draws.slice("draws=".length).split(".").filter(Boolean).map(Number),
    switches: rest
      .join(":")
      .split(",")
      .filter(Boolean)
      .map((word) => parseSwitch(word, actor)),
    ...needed,
    ...(favouring !== undefined && { favoured: actor(favouring.slice("first.".length)) }),
  };
}

function parseNeeds(needs: readonly string[]): Pick<ReplayLine, "races" | "monitor" | "spurious" | "weak"> {
  let spurious = 0;
  const switches: Weakness[] = [];
  const demoted: SiteLabel[] = [];
  for (const need of needs) {
    const [kind, name = ""] = [need.split(".", 1)[0], need.slice(need.indexOf(".") + 1)];
    const number = SITE_NUMBERS.get(name);
    const weakness = WEAKNESSES.find((each) => each === name);
    if (kind === "weak" && weakness !== undefined) switches.push(weakness);
    else if (kind === "spurious" && /^\d+$/.test(name)) spurious = Number(name);
    else if (kind === "plain" && number !== undefined) demoted.push(siteLabel(number) as SiteLabel);
    else if (need !== "races" && need !== "monitor")
      throw new UsageError(
        `replay: "${need}" is not first.<actor>, races, monitor, spurious.<count>, weak.<switch> or plain.<site>`,
      );
  }
  return {
    races: needs.includes("races"),
    monitor: needs.includes("monitor"),
    spurious,
    ...(switches.length + demoted.length > 0 && { weak: { switches, demoted } }),
  };
}

function parseSwitch(word: string, actor: (word: string) => number): Switch {
  const parts = /^(.+?)@(.+)#(\d+)>(.+)$/.exec(word);
  const [, from = "", where = "", occurrence = "", to = ""] = parts ?? [];
  const site = SITE_NUMBERS.get(where);
  if (parts === null || site === undefined) {
    const near = where === "" ? "" : nearestName(where, SITE_NUMBERS.keys());
    throw new UsageError(
      `replay: "${word}" is not actor@site#occurrence>actor with a site of this version${near}`,
    );
  }
  return { actor: actor(from), site, occurrence: Number(occurrence), to: actor(to) };
}

/** As the policy "switches" takes it. */
export const replayInput = ({
  draws,
  switches,
  favoured = -1,
}: Pick<ReplayLine, "draws" | "switches" | "favoured">): number[] => [
  favoured,
  draws.length,
  ...draws,
  ...switches.flatMap(({ actor, site, occurrence, to }) => [actor, site, occurrence, to]),
];
