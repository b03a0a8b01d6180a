/** An analysis as one HTML file that needs nothing else: tables, and plots in SVG. */
import { type Request, STAGES } from "./analysis.ts";
import type { AnalysisJson } from "./analysis-text.ts";
import { distribution, duration, html, scatter, stageKeys, strip, WIDTH } from "./plots.ts";

const STYLE = `
:root{color-scheme:light dark;--ink:light-dark(#1f2328,#e6edf3);--back:light-dark(#fff,#0d1117);--panel:light-dark(#f6f8fa,#161b22);--rule:light-dark(#d1d9e0,#30363d);--soft:light-dark(#59636e,#9198a1)}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:${WIDTH}px;padding:0 1rem;color:var(--ink);background:var(--back)}
h1{margin-bottom:.3rem}h2{font-size:1.15rem;margin:1.8rem 0 .5rem}p{margin:.4rem 0;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0;font-variant-numeric:tabular-nums;white-space:nowrap}
td,th{padding:.15rem 1.2rem .15rem 0;text-align:right}td:first-child,th:first-child{text-align:left}
th{border-bottom:1px solid var(--rule);color:var(--soft);font-weight:600}tr:last-child.sum td{border-top:1px solid var(--rule);font-weight:600}
svg{display:block;width:100%;height:auto;background:var(--panel);border:1px solid var(--rule);border-radius:4px}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}.grid{stroke:var(--rule);stroke-width:1}
.strip{height:24px}.key{white-space:nowrap;margin-right:.9em}i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}
.slow{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1rem;align-items:center;font-variant-numeric:tabular-nums}
@media(max-width:700px){.slow{grid-template-columns:1fr}}
`;

export function analysisPage(found: AnalysisJson, requests: readonly Request[]): string {
  const { clockErrorUs, dropped } = found.trace;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>virtlab: ${html(found.file)}</title>
<style>${STYLE}</style></head><body>
<h1>Where the time went</h1>
<p>${html(found.file)}: ${found.requests} requests in ${duration(found.spanUs)}, ${found.events} events.
${clockErrorUs === null ? "" : `Clocks within ${clockErrorUs} µs.`}
Dropped: ${dropped.guest} of the guest, ${dropped.host} of the host.</p>
<h2>Stages</h2>
<p>${stageKeys()}</p>
${shares(found)}
${table(
  ["stage", "share %", "mean µs", "p50", "p90", "p99", "max"],
  found.stages.map((row) => [
    row.stage,
    ...[row.share, row.meanUs, row.p50, row.p90, row.p99, row.max].map((value) => value.toFixed(1)),
  ]),
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
    row.kicksSparedPercent.toFixed(1),
    row.interrupts,
    row.interruptsSpared,
    row.interruptsSparedPercent.toFixed(1),
  ]),
)}
<h2>Slowest requests</h2>
<p>${stageKeys()}</p>
<div class="slow">
${found.slowest.map((request) => bar(request, found.slowest[0]?.totalUs ?? 1)).join("\n")}
</div>
</body></html>
`;
}

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  `<div class="wide"><table><tr>${head.map((cell) => `<th>${html(cell)}</th>`).join("")}</tr>${rows
    .map((row) => {
      const cells = row.map((cell) => `<td>${html(cell)}</td>`).join("");
      return `<tr${row[0] === "whole" ? ' class="sum"' : ""}>${cells}</tr>`;
    })
    .join("")}</table></div>`;

function shares({ stages }: AnalysisJson): string {
  const parts = STAGES.map(
    (stage) => [stage, stages.find((row) => row.stage === stage)?.share ?? 0] as const,
  );
  return strip(parts, 100);
}

function bar({ queue, head, totalUs, stagesUs }: Request, longest: number): string {
  const parts = STAGES.map((stage) => [stage, stagesUs[stage]] as const);
  return `<span>${html(queue)} head ${head}: ${duration(totalUs)}</span>${strip(parts, totalUs, (WIDTH * totalUs) / longest)}`;
}
