import { expect, test } from "vitest";
import { Hunter } from "../../src/hunt/hunter.ts";
import { findScenario } from "../../src/hunt/load.ts";

test.each(["two-cpus", "take-back", "io-line", "io-take-back"])(
  "the correct code of scenario %s is quiet",
  async (name) => {
    const hunter = await Hunter.start({ scenario: findScenario(name), defect: undefined });
    try {
      const batch = await hunter.run({ policy: "portfolio", count: 40, seed: 5 });
      expect(batch.findings).toEqual([]);
      expect(batch.executions).toBe(40);
    } finally {
      await hunter.close();
    }
  },
);
