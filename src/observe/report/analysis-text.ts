/** An analysis as numbers and as a table. */
import type { Analysis, Request, Stage } from "./analysis.ts";
import { STAGES } from "./analysis.ts";
import { formatTable } from "./tables.ts";
import type { TraceHeader } from "./trace-file.ts";

const PERCENTILES = [50, 90, 99] as const;
const SLOWEST = 5;

export interface StageSummary {
  readonly stage: Stage | "whole";
  readonly meanUs: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Of all requests' time. */
  readonly share: number;
}

const round = (us: number): number => Math.round(us * 100) / 100;
const percent = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.round((1000 * part) / whole) / 10;

function summary(stage: StageSummary["stage"], values: number[], whole: number): StageSummary {
  const sorted = values.sort((a, b) => a - b);
  const sum = sorted.reduce((total, us) => total + us, 0);
  const at = (p: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] ?? 0);
  const [p50, p90, p99] = PERCENTILES.map(at) as [number, number, number];
  const meanUs = sorted.length === 0 ? 0 : round(sum / sorted.length);
  return { stage, meanUs, p50, p90, p99, max: round(sorted.at(-1) ?? 0), share: percent(sum, whole) };
}

export function analysisJson(file: string, header: TraceHeader, analysis: Analysis) {
  const { requests } = analysis;
  const whole = requests.reduce((sum, { totalUs }) => sum + totalUs, 0);
  return {
    file,
    trace: header,
    events: analysis.events,
    spanUs: round(analysis.spanUs),
    requests: requests.length,
    unfinished: analysis.unfinished,
    stages: [
      ...STAGES.map((stage) =>
        summary(
          stage,
          requests.map(({ stagesUs }) => stagesUs[stage]),
          whole,
        ),
      ),
      summary(
        "whole",
        requests.map(({ totalUs }) => totalUs),
        whole,
      ),
    ],
    suppression: Object.entries(analysis.savings)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([queue, saving]) => ({
        queue,
        ...saving,
        kicksSparedPercent: percent(saving.kicksSpared, saving.kicks + saving.kicksSpared),
        interruptsSparedPercent: percent(
          saving.interruptsSpared,
          saving.interrupts + saving.interruptsSpared,
        ),
      })),
    sleeps: { guest: analysis.counts.get("guest sleep") ?? 0, host: analysis.counts.get("host sleep") ?? 0 },
    slowest: slowest(requests),
  };
}
export type AnalysisJson = ReturnType<typeof analysisJson>;

const slowest = (requests: readonly Request[]): Request[] =>
  [...requests].sort((a, b) => b.totalUs - a.totalUs).slice(0, SLOWEST);

export function analysisText(found: AnalysisJson, other?: AnalysisJson): string {
  const parts = [headText(found)];
  parts.push(
    other === undefined ? stagesText(found) : `${headText(other)}\n\n${comparisonText(found, other)}`,
  );
  parts.push(suppressionText(found));
  if (found.slowest.length > 0) parts.push(`slowest requests\n${found.slowest.map(story).join("\n")}`);
  return parts.join("\n\n");
}

function headText({ file, requests, unfinished, events, spanUs, trace, sleeps }: AnalysisJson): string {
  const dropped = trace.dropped.guest + trace.dropped.host;
  return (
    `${file}: ${requests} requests in ${(spanUs / 1000).toFixed(1)} ms, ${events} events` +
    `${unfinished === 0 ? "" : `, ${unfinished} requests without an end`}` +
    `${dropped === 0 ? "" : `, ${dropped} events dropped before the trace begins`}` +
    `; the guest slept ${sleeps.guest} times, the host ${sleeps.host}` +
    `${trace.clockErrorUs === null ? "" : `; clocks within ${trace.clockErrorUs} µs`}`
  );
}

const stagesText = ({ stages }: AnalysisJson): string =>
  formatTable(
    ["stage", "share %", "mean µs", "p50", "p90", "p99", "max"],
    stages.map(({ stage, share, meanUs, p50, p90, p99, max }) => [stage, share, meanUs, p50, p90, p99, max]),
  );

function comparisonText(one: AnalysisJson, two: AnalysisJson): string {
  const ratio = (a: number, b: number): string => (a === 0 ? "-" : `${(b / a).toFixed(2)}x`);
  return formatTable(
    ["stage", "mean µs", "then", "change", "p99", "then", "change"],
    one.stages.map((row, k) => {
      const then = two.stages[k] ?? row;
      return [
        row.stage,
        row.meanUs,
        then.meanUs,
        ratio(row.meanUs, then.meanUs),
        row.p99,
        then.p99,
        ratio(row.p99, then.p99),
      ];
    }),
  );
}

const suppressionText = ({ suppression }: AnalysisJson): string =>
  formatTable(
    ["queue", "kicks", "spared", "%", "interrupts", "spared", "%"],
    suppression.map((row) => [
      row.queue,
      row.kicks,
      row.kicksSpared,
      row.kicksSparedPercent,
      row.interrupts,
      row.interruptsSpared,
      row.interruptsSparedPercent,
    ]),
  );

/** "00:04.0 queue 0 head 5 at 12.3 ms: 950.2 µs: kick 3.1, host start 120.0, …" */
function story({ queue, head, submitted, totalUs, stagesUs, kicked, interrupted }: Request): string {
  const stages = STAGES.filter((stage) => stagesUs[stage] > 0).map(
    (stage) => `${stage} ${stagesUs[stage].toFixed(1)}`,
  );
  return (
    `  ${queue} head ${head} at ${(submitted / 1000).toFixed(3)} ms: ${totalUs.toFixed(1)} µs: ${stages.join(", ")}` +
    `${kicked ? "" : "; no kick was needed"}${interrupted ? "" : "; collected without an interrupt"}`
  );
}
