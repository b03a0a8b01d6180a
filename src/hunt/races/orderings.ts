/**
 * Which of the letters of `memory/ORDERING.md` an edge belongs to, by the site of the atomic access that takes it: the
 * one that looks. An edge that comes from anywhere else justifies nothing.
 */
import { type SiteLabel, site, siteLabel } from "../../wire/sites.ts";
import type { Justified } from "./detector.ts";

const LOOKS: Readonly<Record<string, readonly SiteLabel[]>> = {
  A: ["device: read avail.idx"],
  B: ["driver: read used.idx"],
  C: ["driver: read used.flags", "driver: read avail_event"],
  D: ["device: read avail.flags", "device: read used_event"],
  E: ["mailbox: read request index"],
  F: ["mailbox: read reply index"],
  L: ["mailbox: read space"],
  M: ["call: look for a call", "call: look whether it is done"],
};

const LETTERS = new Map(
  Object.entries(LOOKS).flatMap(([letter, labels]) => labels.map((each) => [site(each), letter])),
);

/** By kind of hand-over, where a site's label begins so. */
const ROOMS: readonly (readonly [string, string])[] = [
  ["doorbell", "I"],
  ["kick", "J"],
  ["msix", "H"],
  ["msi:", "K"],
  ["isr", "G"],
  ["intx", "G"],
];

export const letterOf = (by: number): string | undefined =>
  LETTERS.get(by) ?? ROOMS.find(([start]) => siteLabel(by).startsWith(start))?.[1];

/** Each pair of places, with what orders it, once. */
export function noteJustified(known: Map<string, Justified>, pairs: readonly Justified[]): void {
  for (const pair of pairs) known.set(`${pair.first}/${pair.second}/${pair.by}`, pair);
}

/** Those that nothing orders which has a letter. */
export const withoutLetter = (justified: readonly Justified[]): readonly Justified[] =>
  justified.filter(({ by }) => letterOf(by) === undefined);

/** One row for each pair of places: what orders them. */
export function orderingRows(justified: readonly Justified[]): string[][] {
  const rows = new Map<string, { names: string[]; letters: Set<string> }>();
  for (const { first, second, by } of justified) {
    const names = [siteLabel(first), siteLabel(second)];
    const row = rows.get(names.join()) ?? { names, letters: new Set() };
    row.letters.add(letterOf(by) ?? `? (${siteLabel(by)})`);
    rows.set(names.join(), row);
  }
  return [...rows.values()]
    .map(({ names, letters }) => [...names, [...letters].sort().join(", ")])
    .sort((a, b) => (a.join() < b.join() ? -1 : 1));
}
