/**
 * The line that repeats a failure: scenario, defect, free choices and switches, each switch named by actor, site and
 * occurrence, so that it means the same as long as those do.
 *
 *   flags:R33:draws=:guest@driver.publish-avail.idx#1>host,host@doorbell.sleep#2>guest
 */
import { UsageError } from "../host/device.ts";
import { SITE_COUNT, siteLabel } from "../wire/sites.ts";
import type { Actor } from "./actors.ts";
import { findScenario } from "./load.ts";
import type { Scenario } from "./scenario.ts";
import { actorsOf } from "./thread.ts";
import type { Switch } from "./trace.ts";

export interface ReplayLine {
  readonly scenario: string;
  readonly defect: string | undefined;
  readonly draws: readonly number[];
  readonly switches: readonly Switch[];
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
  return [line.scenario, line.defect ?? "-", `draws=${line.draws.join(".")}`, switches.join(",")].join(":");
}

export function parseReplay(text: string, own: readonly Scenario[] = []): ReplayLine {
  const [scenario = "", defect = "-", draws = "", ...rest] = text.trim().split(":");
  if (!draws.startsWith("draws=")) {
    throw new UsageError(`replay: expected scenario:defect:draws=…:switches, got "${text}"`);
  }
  const actors = actorsOf(findScenario(scenario, own)).actors;
  const numbers = new Map(actors.map(({ id, name }) => [actorWord(name), id]));
  const actor = (word: string): number => {
    const id = numbers.get(word);
    if (id !== undefined) return id;
    throw new UsageError(
      `replay: scenario ${scenario} has no actor "${word}"; it has ${[...numbers.keys()].join(", ")}`,
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
  };
}

function parseSwitch(word: string, actor: (word: string) => number): Switch {
  const parts = /^(.+?)@(.+)#(\d+)>(.+)$/.exec(word);
  const [, from = "", where = "", occurrence = "", to = ""] = parts ?? [];
  const site = SITE_NUMBERS.get(where);
  if (parts === null || site === undefined) {
    throw new UsageError(`replay: "${word}" is not actor@site#occurrence>actor with a site of this version`);
  }
  return { actor: actor(from), site, occurrence: Number(occurrence), to: actor(to) };
}

/** As the policy "switches" takes it. */
export const replayInput = ({ draws, switches }: Pick<ReplayLine, "draws" | "switches">): number[] => [
  draws.length,
  ...draws,
  ...switches.flatMap(({ actor, site, occurrence, to }) => [actor, site, occurrence, to]),
];
