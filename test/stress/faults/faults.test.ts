/** Named faults are detected in the right words: one machine each here, as many as `VIRTLAB_FAULTS` says elsewhere. */
import { expect, test } from "vitest";
import { withEpisodePool } from "../../../src/stress/campaign/episode-pool.ts";
import { runFault } from "../../../src/stress/campaign/fault-campaign.ts";
import { FAULTS, findFault } from "../../../src/stress/faults/faults.ts";

const RUNS = Number(process.env.VIRTLAB_FAULTS ?? 1);
/** One of each kind where time is short. */
const NAMES =
  process.env.VIRTLAB_FAULTS === undefined
    ? ["doubled-kick", "dropped-interrupt", "flipped-bit"]
    : FAULTS.map(({ name }) => name);
const RUN_MS_MAX = 10_000;

test(
  `each of ${NAMES.length} faults, ${RUNS} times`,
  async () => {
    const reports = await withEpisodePool(1, async (pool) => {
      const all = [];
      for (const name of NAMES) all.push(await runFault(pool, name, { runs: RUNS, seed: 40, lanes: 1 }));
      return all;
    });
    expect(reports.flatMap(({ fault, missed }) => missed.map((miss) => ({ fault, ...miss })))).toEqual([]);
  },
  NAMES.length * RUNS * RUN_MS_MAX,
);

test("a fault that there is not is refused, with the nearest name", () => {
  expect(() => findFault("droped-kick")).toThrow("did you mean dropped-kick?");
});
