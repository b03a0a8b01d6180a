import { expect, it } from "vitest";
import { LatencyHistogram } from "../../src/observe/record/histogram.ts";

it("gives no percentile above the largest latency", () => {
  const histogram = new LatencyHistogram();
  for (let each = 0; each < 512; each++) histogram.record(43.1 + each / 10_000);
  const { p50, p999, max } = histogram.summary();
  expect(p50).toBeLessThanOrEqual(p999);
  expect(p999).toBeLessThanOrEqual(max);
});
