/** Plots of an analysis in SVG: latency over time, and how latencies are distributed, both on logarithmic scales. */
import { type Request, STAGES, type Stage } from "./analysis.ts";

export const COLOURS: Readonly<Record<Stage, string>> = {
  submit: "#4e79a7",
  kick: "#f28e2b",
  "host start": "#e15759",
  "back-end": "#76b7b2",
  used: "#59a14f",
  interrupt: "#edc948",
  handler: "#b07aa1",
};
export const WIDTH = 960;
const HEIGHT = 280;
/** The frame of a plot: room for the axes' numbers. */
const LEFT = 62;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 26;
const DOTS_MAX = 4000;
const BUCKETS = 48;
const LOWEST_US = 0.1;
const QUEUE_COLOURS = ["#4e79a7", "#e15759", "#59a14f", "#f28e2b", "#b07aa1", "#76b7b2"];

export const html = (text: string | number): string =>
  String(text).replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);

/** "250 µs", "4.2 ms", "1.5 s". */
export function duration(us: number): string {
  const [value, unit] = us < 1000 ? [us, "µs"] : us < 1e6 ? [us / 1000, "ms"] : [us / 1e6, "s"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

type Scale = (value: number) => number;

const logScale = (low: number, high: number, from: number, to: number): Scale => {
  const [start, span] = [Math.log(low), Math.log(high) - Math.log(low) || 1];
  return (value) => from + ((to - from) * (Math.log(Math.max(value, low)) - start)) / span;
};

/** 1, 2 and 5 of each power of ten in a range; powers alone when it spans many. */
function logTicks(low: number, high: number): number[] {
  const steps = high / low > 5000 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10)
    ticks.push(...steps.map((step) => step * power).filter((tick) => tick >= low && tick <= high));
  return ticks;
}

/** Round numbers, at most `count` of them. */
function evenTicks(high: number, count: number): number[] {
  const rough = high / count;
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, at) => at * step);
}

const across = (y: number, label: string): string =>
  `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/><text x="${LEFT - 8}" y="${(y + 4).toFixed(1)}" text-anchor="end">${label}</text>`;
const upright = (x: number, label: string): string =>
  `<line class="grid" x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/><text x="${x.toFixed(1)}" y="${HEIGHT - 8}" text-anchor="middle">${label}</text>`;
const chart = (inside: string, label: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${inside}</svg>`;

export function scatter(requests: readonly Request[]): string {
  if (requests.length === 0) return "<p>None.</p>";
  const every = Math.max(1, Math.ceil(requests.length / DOTS_MAX));
  const shown = requests.filter((_, k) => k % every === 0);
  const queues = [...new Set(shown.map(({ queue }) => queue))].sort();
  const first = shown.reduce((least, { submitted }) => Math.min(least, submitted), Number.POSITIVE_INFINITY);
  const span = shown.reduce((most, { submitted }) => Math.max(most, submitted - first), 1);
  const totals = shown.map(({ totalUs }) => Math.max(LOWEST_US, totalUs)).sort((a, b) => a - b);
  const [low, high] = [(totals[0] ?? 1) / 1.3, (totals.at(-1) ?? 1) * 1.3];
  const y = logScale(low, high, HEIGHT - BOTTOM, TOP);
  const x: Scale = (us) => LEFT + ((WIDTH - LEFT - RIGHT) * us) / span;
  const axes = [
    ...logTicks(low, high).map((tick) => across(y(tick), duration(tick))),
    ...evenTicks(span, 8).map((tick) => upright(x(tick), duration(tick))),
  ];
  const dots = shown.map(({ submitted, totalUs, queue, head }) => {
    const colour = QUEUE_COLOURS[queues.indexOf(queue) % QUEUE_COLOURS.length];
    const title = `<title>${html(queue)} head ${head}: ${duration(totalUs)}</title>`;
    return `<circle cx="${x(submitted - first).toFixed(1)}" cy="${y(totalUs).toFixed(1)}" r="3" fill="${colour}" fill-opacity=".75">${title}</circle>`;
  });
  const legend = queues.map((queue, at) => swatch(QUEUE_COLOURS[at % QUEUE_COLOURS.length] ?? "", queue));
  return `<p>${legend.join(" ")}</p>${chart(axes.join("") + dots.join(""), "latency over time, logarithmic")}`;
}

export function distribution(requests: readonly Request[]): string {
  if (requests.length === 0) return "<p>None.</p>";
  const sorted = requests.map(({ totalUs }) => Math.max(LOWEST_US, totalUs)).sort((a, b) => a - b);
  const [low, high] = [sorted[0] ?? 1, (sorted.at(-1) ?? 1) * 1.0001];
  const step = Math.log(high / low) / BUCKETS || 1;
  const counts = new Array<number>(BUCKETS).fill(0);
  for (const us of sorted) {
    const bucket = Math.min(BUCKETS - 1, Math.floor(Math.log(us / low) / step));
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  const x = logScale(low, high, LEFT, WIDTH - RIGHT);
  const y: Scale = (count) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * count) / most;
  const axes = [
    ...evenTicks(most, 5)
      .filter(Number.isInteger)
      .map((tick) => across(y(tick), String(tick))),
    ...logTicks(low, high).map((tick) => upright(x(tick), duration(tick))),
  ];
  const wide = (WIDTH - LEFT - RIGHT) / BUCKETS;
  const bars = counts.map((count, k) => {
    const label = `${duration(low * Math.exp(k * step))} and up: ${count}`;
    return `<rect x="${(LEFT + k * wide).toFixed(1)}" y="${y(count).toFixed(1)}" width="${(wide - 1).toFixed(1)}" height="${(HEIGHT - BOTTOM - y(count)).toFixed(1)}" fill="#59a14f"><title>${label}</title></rect>`;
  });
  return chart(axes.join("") + bars.join(""), "distribution, logarithmic");
}

/** Stages of something side by side, as rectangles of their length. */
export function strip(parts: readonly (readonly [Stage, number])[], whole: number, width = WIDTH): string {
  let at = 0;
  const rectangles = parts.map(([stage, length]) => {
    const x = at;
    const wide = whole === 0 ? 0 : (width * length) / whole;
    at += wide;
    return `<rect x="${x.toFixed(2)}" y="0" width="${wide.toFixed(2)}" height="24" fill="${COLOURS[stage]}"><title>${stage}: ${((100 * length) / (whole || 1)).toFixed(1)} %</title></rect>`;
  });
  return `<svg class="strip" viewBox="0 0 ${WIDTH} 24" preserveAspectRatio="none" role="img" aria-label="stages">${rectangles.join("")}</svg>`;
}

const swatch = (colour: string, name: string): string =>
  `<span class="key"><i style="background:${colour}"></i>${html(name)}</span>`;
export const stageKeys = (): string => STAGES.map((stage) => swatch(COLOURS[stage], stage)).join(" ");
