/** An analysis as one HTML file that needs nothing else: tables, and plots in SVG. */
import { type Request, STAGES, type Stage } from "./analysis.ts";
import type { AnalysisJson } from "./analysis-text.ts";

const COLOURS: Readonly<Record<Stage, string>> = {
  submit: "#4e79a7",
  kick: "#f28e2b",
  "host start": "#e15759",
  "back-end": "#76b7b2",
  used: "#59a14f",
  interrupt: "#edc948",
  handler: "#b07aa1",
};
const WIDTH = 960;
const HEIGHT = 260;
const DOTS_MAX = 4000;

const html = (text: string | number): string =>
  String(text).replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);

export function analysisPage(found: AnalysisJson, requests: readonly Request[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>virtlab: ${html(found.file)}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:${WIDTH}px;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.15rem .8rem .15rem 0;text-align:right}
td:first-child,th:first-child{text-align:left}th{border-bottom:1px solid #999}
svg{width:100%;height:auto;background:#fafafa;border:1px solid #ddd}i{display:inline-block;width:.8em;height:.8em;margin-right:.3em}
@media(prefers-color-scheme:dark){body{background:#1b1b1b;color:#ddd}svg{background:#222;border-color:#444}}
</style></head><body>
<h1>Where the time went</h1>
<p>${html(found.file)}: ${found.requests} requests in ${(found.spanUs / 1000).toFixed(1)} ms, ${found.events} events.
${found.trace.clockErrorUs === null ? "" : `Clocks within ${found.trace.clockErrorUs} µs.`}
Dropped: ${found.trace.dropped.guest} of the guest, ${found.trace.dropped.host} of the host.</p>
<h2>Stages</h2>
<p>${STAGES.map((stage) => `<i style="background:${COLOURS[stage]}"></i>${stage}`).join(" &nbsp; ")}</p>
${shares(found)}
${table(
  ["stage", "share %", "mean µs", "p50", "p90", "p99", "max"],
  found.stages.map((row) => [row.stage, row.share, row.meanUs, row.p50, row.p90, row.p99, row.max]),
)}
<h2>Each request: when it was submitted, how long it took</h2>
${scatter(requests)}
<h2>How long requests took</h2>
${distribution(requests)}
<h2>What suppression saved</h2>
${table(
  ["queue", "kicks", "spared", "%", "interrupts", "spared", "%"],
  found.suppression.map((row) => [
    row.queue,
    row.kicks,
    row.kicksSpared,
    row.kicksSparedPercent,
    row.interrupts,
    row.interruptsSpared,
    row.interruptsSparedPercent,
  ]),
)}
<h2>Slowest requests</h2>
${found.slowest.map((request) => bar(request, found.slowest[0]?.totalUs ?? 1)).join("\n")}
</body></html>
`;
}

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  `<table><tr>${head.map((cell) => `<th>${html(cell)}</th>`).join("")}</tr>${rows
    .map((row) => `<tr>${row.map((cell) => `<td>${html(cell)}</td>`).join("")}</tr>`)
    .join("")}</table>`;

/** Stages of something side by side, as rectangles of their length. */
function strip(parts: readonly (readonly [Stage, number])[], whole: number, width: number): string {
  let at = 0;
  return parts
    .map(([stage, length]) => {
      const x = at;
      const wide = whole === 0 ? 0 : (width * length) / whole;
      at += wide;
      return `<rect x="${x.toFixed(2)}" y="0" width="${wide.toFixed(2)}" height="28" fill="${COLOURS[stage]}"><title>${stage}: ${length.toFixed(1)}</title></rect>`;
    })
    .join("");
}

function shares({ stages }: AnalysisJson): string {
  const parts = STAGES.map(
    (stage) => [stage, stages.find((row) => row.stage === stage)?.share ?? 0] as const,
  );
  return `<svg viewBox="0 0 ${WIDTH} 28" role="img" aria-label="share of each stage">${strip(parts, 100, WIDTH)}</svg>`;
}

function bar({ queue, head, totalUs, stagesUs }: Request, longest: number): string {
  const width = (WIDTH * totalUs) / longest;
  const parts = STAGES.map((stage) => [stage, stagesUs[stage]] as const);
  return `<p>${html(queue)} head ${head}: ${totalUs.toFixed(1)} µs</p><svg viewBox="0 0 ${WIDTH} 28">${strip(parts, totalUs, width)}</svg>`;
}

function scatter(requests: readonly Request[]): string {
  const every = Math.max(1, Math.ceil(requests.length / DOTS_MAX));
  const shown = requests.filter((_, k) => k % every === 0);
  const first = Math.min(...shown.map(({ submitted }) => submitted));
  const span = Math.max(1, ...shown.map(({ submitted }) => submitted - first));
  const longest = Math.max(1, ...shown.map(({ totalUs }) => totalUs));
  const dots = shown.map(({ submitted, totalUs }) => {
    const x = 4 + ((WIDTH - 8) * (submitted - first)) / span;
    const y = HEIGHT - 4 - ((HEIGHT - 20) * totalUs) / longest;
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2" fill="#4e79a7" fill-opacity=".6"/>`;
  });
  return chart(
    `${dots.join("")}<text x="8" y="14" font-size="12" fill="currentColor">${longest.toFixed(0)} µs</text>`,
    "latency over time",
  );
}

const BUCKETS = 48;

function distribution(requests: readonly Request[]): string {
  if (requests.length === 0) return "<p>None.</p>";
  const sorted = requests.map(({ totalUs }) => Math.max(0.1, totalUs)).sort((a, b) => a - b);
  const [low, high] = [Math.log(sorted[0] ?? 1), Math.log(sorted.at(-1) ?? 1)];
  const step = (high - low) / BUCKETS || 1;
  const counts = new Array<number>(BUCKETS).fill(0);
  for (const us of sorted) {
    const bucket = Math.min(BUCKETS - 1, Math.floor((Math.log(us) - low) / step));
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  const most = Math.max(...counts);
  const wide = WIDTH / BUCKETS;
  const bars = counts.map((count, k) => {
    const tall = ((HEIGHT - 30) * count) / most;
    const label = `${Math.exp(low + k * step).toFixed(0)} µs and up: ${count}`;
    return `<rect x="${(k * wide).toFixed(1)}" y="${(HEIGHT - 16 - tall).toFixed(1)}" width="${(wide - 1).toFixed(1)}" height="${tall.toFixed(1)}" fill="#59a14f"><title>${label}</title></rect>`;
  });
  const ends = `<text x="2" y="${HEIGHT - 3}" font-size="12" fill="currentColor">${Math.exp(low).toFixed(0)} µs</text><text x="${WIDTH - 2}" y="${HEIGHT - 3}" font-size="12" text-anchor="end" fill="currentColor">${Math.exp(high).toFixed(0)} µs</text>`;
  return chart(bars.join("") + ends, "distribution, logarithmic");
}

const chart = (inside: string, label: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${inside}</svg>`;
