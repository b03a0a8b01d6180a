/**
 * A recorded execution as one page that needs nothing else: a lane per actor, the critical pair lit and joined, filters
 * by queue, site and actor, zoom, and each step's place in the sources, which are in the page too. The data lies in it as
 * JSON; a short script draws it.
 */
import { ACCESS, isWrite } from "../../memory/scheduled-memory.ts";
import { siteLabel } from "../../wire/sites.ts";
import type { CriticalPair } from "../critical.ts";
import type { Recording } from "../hunter.ts";
import { SCRIPT } from "./page-script.ts";
import { STYLE } from "./page-style.ts";
import { readInWords } from "./reading.ts";
import { type SourcePlace, sourcePlaces } from "./sources.ts";
import { type Step, stepsOf } from "./steps.ts";

export interface PageAbout {
  /** What ran: the scenario, and what was planted in it. */
  readonly subject: string;
  /** The command that repeats it. */
  readonly line: string;
  readonly critical?: readonly CriticalPair[];
}

/** A step as the page's script takes it. */
interface PageStep {
  readonly order: number;
  readonly lane: number;
  readonly kind: "read" | "write" | "update" | "other" | "note" | "switch";
  readonly text: string;
  readonly site: string;
  readonly area: string;
  readonly place: string;
  readonly from: number | null;
  readonly frames: readonly string[];
  readonly apart: boolean;
  /** Of a switch: who goes on. */
  readonly to?: number;
}

interface PageData {
  readonly lanes: readonly string[];
  readonly steps: readonly PageStep[];
  readonly pairs: readonly CriticalPair[];
  readonly reading: readonly string[];
  readonly line: string;
  readonly sources: Readonly<Record<string, SourcePlace>>;
}

export function formatPage(recording: Recording, about: PageAbout): string {
  const { findings } = recording;
  const data = pageData(recording, about);
  const title = findings[0]?.oracle ?? "A passing execution";
  // A "<" in the data must not end the script element.
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>virtlab: ${escapeHtml(title)}, ${escapeHtml(about.subject)}</title>
<style>${STYLE}</style></head><body>
<header>
<h1 class="${findings.length > 0 ? "bad" : "good"}">${escapeHtml(title)}</h1><p id="subject">${escapeHtml(about.subject)}</p>
<ul id="reading"></ul>
<div id="again"><code id="line"></code><button id="copy" type="button">Copy</button></div>
</header>
<nav>
<label>Queue or part <select id="area"><option value="">all</option></select></label>
<label>Site <select id="site"><option value="">all</option></select></label>
<label>Actor <select id="actor"><option value="">all</option></select></label>
<label title="hide what only one actor touches"><input id="apart" type="checkbox"> Shared only</label>
<label>Zoom <input id="zoom" type="range" min="3" max="18" value="12" aria-label="zoom"></label>
<button id="critical" type="button">Critical pair</button>
<button id="theme" type="button">Dark / light</button>
<span id="count"></span>
</nav>
<main><div id="map" title="the whole execution; click to go there"></div>
<div id="lanes"><div id="rows"></div></div>
<aside id="detail"></aside></main>
<script id="data" type="application/json">${json}</script><script>${SCRIPT}</script></body></html>
`;
}

/** "scenario flags, defect R33". */
export const subjectOf = (scenario: string, defect: string | undefined): string =>
  `scenario ${scenario}${defect === undefined ? "" : `, defect ${defect}`}`;

function pageData(recording: Recording, { line, critical = [] }: PageAbout): PageData {
  const { actors, entries, switches } = recording;
  const used = actors.filter(({ id }) => entries.some(({ actor }) => actor === id));
  const laneOf = (actor: number): number => used.findIndex(({ id }) => id === actor);
  const held = switches.map(({ order, actor, to }): PageStep => {
    const text = `${used[laneOf(actor)]?.name} is held up, ${actors[to]?.name} goes on`;
    const nothing = { site: "", area: "", place: "", from: null, frames: [], apart: false };
    return { ...nothing, order, lane: laneOf(actor), kind: "switch", text, to: laneOf(to) };
  });
  const steps = [...stepsOf(recording).map((step) => pageStep(step, laneOf(step.entry.actor))), ...held];
  return {
    lanes: used.map(({ name }) => name),
    steps: steps.sort((a, b) => a.order - b.order),
    pairs: critical,
    reading: readInWords(recording, critical),
    line,
    sources: Object.fromEntries(sourcePlaces(steps.flatMap(({ frames }) => frames))),
  };
}

function pageStep({ entry, text, place, from, apart }: Step, lane: number): PageStep {
  const { order } = entry;
  if (entry.type === "note") {
    return {
      order,
      lane,
      kind: "note",
      text: entry.text,
      site: "",
      area: "",
      place: "",
      from: null,
      frames: [],
      apart,
    };
  }
  return {
    order,
    lane,
    kind: kindOf(entry.kind),
    text,
    site: siteLabel(entry.site),
    area: place?.area ?? "",
    place: place?.text ?? "",
    from: from ?? null,
    frames: entry.stack,
    apart,
  };
}

function kindOf(kind: number): PageStep["kind"] {
  if (kind === ACCESS.update) return "update";
  if (kind === ACCESS.wait || kind === ACCESS.notify) return "other";
  return isWrite(kind) ? "write" : "read";
}

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
