import { afterEach, describe, expect, test } from "vitest";
import { type Batch, Hunter } from "../../src/hunt/hunter.ts";
import { findScenario } from "../../src/hunt/load.ts";
import { type ProofProgress, prove, statement } from "../../src/hunt/proof/prove.ts";

const SECONDS_MAX = 120_000;
let hunter: Hunter | undefined;

afterEach(async () => {
  await hunter?.close();
  hunter = undefined;
});

async function search(name: string, kind: "reduced" | "plain", defect?: string): Promise<Batch> {
  hunter ??= await Hunter.start({ scenario: findScenario(name), defect });
  return hunter.run({ policy: "exhaust", search: kind, count: 1e6, stopAtFinding: false });
}

const sorted = (classes: readonly number[]): number[] => [...classes].sort((a, b) => a - b);

describe("a systematic search", () => {
  test.each([
    ["publish-1", 5, 792],
    ["doorbell-1", 8, 277],
    ["intx-1", 7, 2634],
  ])(
    "of %s sees in %i executions every class of the %i that plain depth-first search runs through",
    async (name, classes, interleavings) => {
      const reduced = await search(name, "reduced");
      const plain = await search(name, "plain");
      expect([reduced.exhausted, plain.exhausted]).toEqual([true, true]);
      expect(plain.executions).toBe(interleavings);
      expect(reduced.executions).toBe(classes);
      expect(reduced.pruned).toBe(0);
      expect(sorted(reduced.classes)).toEqual(sorted(plain.classes));
    },
    SECONDS_MAX,
  );

  test(
    "that is interrupted goes on where it was",
    async () => {
      const whole = await search("kick-event-2", "reduced");
      const parts: Batch[] = [];
      for (let first = 0; parts.at(-1)?.exhausted !== true; ) {
        const part = await hunter?.run({
          policy: "exhaust",
          search: "reduced",
          count: 50,
          first,
          stopAtFinding: false,
        });
        if (part === undefined) break;
        parts.push(part);
        first += part.executions;
      }
      expect(parts.length).toBeGreaterThan(2);
      expect(parts.reduce((sum, { executions }) => sum + executions, 0)).toBe(whole.executions);
      expect(sorted(parts.at(-1)?.classes ?? [])).toEqual(sorted(whole.classes));
    },
    SECONDS_MAX,
  );
});

describe("prove", () => {
  test(
    "says what it has proved, and within which bounds",
    async () => {
      const proof = await prove({ scenario: findScenario("msix-mask") });
      expect(proof).toMatchObject({ complete: true, findings: [] });
      expect(statement(proof, "")).toMatch(/^proved: msix-mask .* classes of interleavings .* Bounds: /);
    },
    SECONDS_MAX,
  );

  test.each([
    ["kick-flags-1", "R33", "O1 quiescence"],
    ["interrupt-event-2", "R01", "O1 quiescence"],
    ["publish-1", "R10", "O10 data race"],
    ["publish-1", "R14", "O10 data race"],
    ["interrupt-flags-1", "R09", "O10 data race"],
  ])(
    "refutes %s with defect %s",
    async (name, defect, oracle) => {
      const proof = await prove({ scenario: findScenario(name), defect }, { stopAtFinding: false });
      expect(proof.findings.map((finding) => finding.oracle)).toContain(oracle);
      expect(statement(proof, "")).toMatch(/^refuted/);
    },
    SECONDS_MAX,
  );

  test(
    "admits that a scenario is too large",
    async () => {
      const told: ProofProgress[] = [];
      const target = { scenario: findScenario("batches") };
      const proof = await prove(target, { seconds: 0.5 }, (now) => told.push(now));
      // How large it may be is said before anything is explored.
      expect(told[0]).toMatchObject({ executions: 0, estimate: proof.estimate });
      expect(told[0]?.estimate).toBeGreaterThan(1e9);
      expect(proof.complete).toBe(false);
      expect(statement(proof, "")).toMatch(/^not proved: batches is too large .* Fewer buffers/);
    },
    SECONDS_MAX,
  );
});
