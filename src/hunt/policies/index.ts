/** The policies by name, and the portfolio: a slice of executions for each of the searching ones in turn. */
import { delay } from "./delay.ts";
import { dfs } from "./dfs.ts";
import { exhaust } from "./exhaust.ts";
import { pct } from "./pct.ts";
import type { Policy } from "./policy.ts";
import { random } from "./random.ts";
import { log, switches } from "./replay.ts";
import { sites } from "./sites.ts";

export const POLICIES: readonly Policy[] = [
  random,
  pct(1),
  pct(2),
  pct(3),
  pct(4),
  sites,
  dfs(3),
  log,
  switches,
  exhaust,
  delay(3),
];

/** Those that search. */
export const SEARCHING = ["random", "pct1", "pct2", "pct3", "pct4", "sites", "delay", "dfs"] as const;
export const PORTFOLIO = "portfolio";
export const DEPTH_FIRST = "dfs";
export const POLICY_NAMES: readonly string[] = [...SEARCHING, PORTFOLIO];

/** What the portfolio plays, one execution each in turn: deep bugs are rarer, so they get more. */
const PLAYLIST = ["sites", "random", "pct2", "dfs", "sites", "pct3", "sites", "pct4"];

export const policyIndex = (name: string): number => POLICIES.findIndex((policy) => policy.name === name);
const PLAYLIST_INDEXES = PLAYLIST.map(policyIndex);

/** The policy of one execution of a campaign. Depth-first search has an end, and two at once would do the same. */
export function policyFor(name: string, execution: number, depthFirst: boolean): number {
  if (name !== PORTFOLIO) return policyIndex(name);
  const chosen = PLAYLIST_INDEXES[execution % PLAYLIST_INDEXES.length] ?? 0;
  return !depthFirst && POLICIES[chosen]?.name === DEPTH_FIRST ? policyIndex("pct3") : chosen;
}
