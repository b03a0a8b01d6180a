/** Latencies: an HDR histogram in nanoseconds, and the percentiles everybody prints. */
import { build, type Histogram } from "hdr-histogram-js";

const PERCENTILES = { p50: 50, p90: 90, p99: 99, p999: 99.9 } as const;

/** In microseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export class LatencyHistogram {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000_000,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  });

  /** Records one duration, in milliseconds as `performance.now` differences are. */
  record(milliseconds: number): void {
    this.#histogram.recordValue(Math.min(60_000_000_000, Math.max(1, Math.round(milliseconds * 1e6))));
  }

  summary(): LatencySummary {
    const h = this.#histogram;
    const us = (nanoseconds: number): number => Math.round(nanoseconds / 10) / 100;
    if (h.totalCount === 0) return { count: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
    // A percentile is its bucket's upper end, which may lie above the largest value seen.
    const at = (name: keyof typeof PERCENTILES) =>
      us(Math.min(h.getValueAtPercentile(PERCENTILES[name]), h.maxValue));
    return {
      count: h.totalCount,
      min: us(h.minNonZeroValue),
      mean: us(h.mean),
      p50: at("p50"),
      p90: at("p90"),
      p99: at("p99"),
      p999: at("p999"),
      max: us(h.maxValue),
    };
  }
}
