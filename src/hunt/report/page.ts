/**
 * A recorded execution as one page that needs nothing else: a lane per actor, filters by site and actor, zoom, switches
 * marked, and each step's place in the sources. The data lies in the page as JSON; a short script draws it.
 */
import { siteLabel } from "../../wire/sites.ts";
import type { Recording } from "../hunter.ts";
import { SCRIPT, STYLE } from "./page-parts.ts";
import { readInWords, readsFrom } from "./reading.ts";
import { describeAccess } from "./text.ts";

interface PageStep {
  readonly order: number;
  readonly lane: number;
  readonly text: string;
  readonly site: string;
  readonly from: number | null;
  readonly stack: readonly string[];
  readonly critical: boolean;
}

export function formatPage(recording: Recording, line: string): string {
  const { actors, entries, findings } = recording;
  const lanes = actors.filter(({ id }) => entries.some(({ actor }) => actor === id));
  const critical = criticalOrders(recording);
  const from = readsFrom(entries);
  const steps = entries.map((entry): PageStep => {
    const lane = lanes.findIndex(({ id }) => id === entry.actor);
    const { order } = entry;
    if (entry.type === "note") {
      return { order, lane, text: `[${entry.text}]`, site: "", from: null, stack: [], critical: false };
    }
    return {
      order,
      lane,
      text: describeAccess(entry, from.get(order)),
      site: siteLabel(entry.site),
      from: from.get(order) ?? null,
      stack: entry.stack,
      critical: critical.has(order),
    };
  });
  const data = { lanes: lanes.map(({ name }) => name), steps, reading: readInWords(recording), line };
  const title = findings[0] === undefined ? "A passing execution" : findings[0].oracle;
  // A "<" in the data must not end the script element.
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>virtlab: ${escapeHtml(title)}</title>
<style>${STYLE}</style></head><body>
<header><h1>${escapeHtml(title)}</h1><ul id="reading"></ul><code id="line"></code>
<div id="tools"><label>Site <select id="site"><option value="">all</option></select></label>
<label>Actor <select id="actor"><option value="">all</option></select></label>
<label>Zoom <input id="zoom" type="range" min="8" max="20" value="13"></label>
<button id="critical" type="button">Critical steps</button></div></header>
<main><table><thead></thead><tbody></tbody></table></main><aside id="detail">Choose a step.</aside>
<script id="data" type="application/json">${json}</script><script>${SCRIPT}</script></body></html>
`;
}

/** Steps next to a switch that the failure cannot do without: the one that was held up, and the one before it. */
function criticalOrders({ entries, switches }: Recording): Set<number> {
  const critical = new Set<number>();
  for (const { order } of switches as readonly { order?: number }[]) {
    if (order === undefined) continue;
    const at = entries.findIndex((entry) => entry.order > order);
    for (const entry of [entries[at - 1], entries[at]]) if (entry !== undefined) critical.add(entry.order);
  }
  return critical;
}

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
