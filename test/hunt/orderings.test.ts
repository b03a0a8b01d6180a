/** Why the code's own plain accesses are no races: an ordering letter for each, in every scenario that there is. */
import { afterAll, describe, expect, test } from "vitest";
import { Hunter, type HuntRequest } from "../../src/hunt/hunter.ts";
import { PROVABLE } from "../../src/hunt/proof/scenarios/index.ts";
import type { Justified } from "../../src/hunt/races/detector.ts";
import { orderingRows, withoutLetter } from "../../src/hunt/races/orderings.ts";
import type { Scenario } from "../../src/hunt/scenario.ts";
import { SCENARIOS } from "../../src/hunt/scenarios/index.ts";
import { site } from "../../src/wire/sites.ts";

const SECONDS_MAX = 60_000;
const seen: Justified[] = [];

async function look(scenario: Scenario, request: HuntRequest): Promise<void> {
  const hunter = await Hunter.start({ scenario, races: true });
  try {
    const batch = await hunter.run({ ...request, justify: true, stopAtFinding: false });
    expect(batch.findings).toEqual([]);
    expect(withoutLetter(batch.justified)).toEqual([]);
    seen.push(...batch.justified);
  } finally {
    await hunter.close();
  }
}

describe("each plain access has an ordering letter", () => {
  test.each(PROVABLE)(
    "in what is proved: $name",
    (scenario) => look(scenario, { policy: "exhaust", search: "reduced", count: 200 }),
    SECONDS_MAX,
  );

  test.each(SCENARIOS)(
    "in what is hunted: $name",
    (scenario) => look(scenario, { policy: "portfolio", count: 20, seed: 3 }),
    SECONDS_MAX,
  );

  // Without this, a detector that notes nothing would pass.
  afterAll(() => {
    const rows = orderingRows(seen).map((row) => row.join(" | "));
    expect(rows).toContainEqual(
      expect.stringMatching(/^driver: write descriptor \| device: read descriptor \| .*A/),
    );
    expect(rows).toContainEqual(
      expect.stringMatching(/^device: write used element \| driver: read used element \| .*B/),
    );
    expect(rows).toContainEqual(expect.stringMatching(/^mailbox: write reply \| mailbox: read reply \| F/));
  });
});

test("an edge from a place that has no letter justifies nothing", () => {
  const pair = { first: site("driver: buffer"), second: site("device: buffer"), by: site("run: state") };
  expect(withoutLetter([pair])).toEqual([pair]);
  expect(orderingRows([pair])).toEqual([["driver: buffer", "device: buffer", "? (run: state)"]]);
});
