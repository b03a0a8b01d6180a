import { afterEach, describe, expect, test } from "vitest";
import { type Batch, Hunter, type HuntRequest } from "../../src/hunt/hunter.ts";
import { ownLane, withLanes } from "../../src/hunt/lanes.ts";
import { findScenario } from "../../src/hunt/load.ts";
import { Frontier, type Piece } from "../../src/hunt/proof/frontier.ts";
import { type ProofProgress, prove, statement } from "../../src/hunt/proof/prove.ts";
import { TreeSearch } from "../../src/hunt/proof/tree-search.ts";
import { mixSeed } from "../../src/hunt/state.ts";

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

/** Plain searches that take up to two minutes each run only with this. */
const PATIENT = process.env.VIRTLAB_PLAIN !== undefined;
const SHORT: readonly (readonly [string, number, number])[] = [
  ["publish-1", 5, 792],
  ["doorbell-1", 8, 277],
  ["intx-1", 7, 2634],
];
const LONG: typeof SHORT = [
  ["kick-event-1", 9, 108_841],
  ["kick-flags-1", 11, 126_743],
  ["msix-function-mask", 12, 128_265],
  ["interrupt-event-1", 11, 223_044],
  ["interrupt-flags-1", 11, 226_684],
  ["msix-mask", 8, 632_877],
];

const sorted = (classes: readonly number[]): number[] => [...classes].sort((a, b) => a - b);

describe("a systematic search", () => {
  test.each(PATIENT ? [...SHORT, ...LONG] : SHORT)(
    "of %s sees in %i executions every class of the %i that plain depth-first search runs through",
    async (name, classes, interleavings) => {
      const reduced = await search(name, "reduced");
      const plain = await search(name, "plain");
      expect([reduced.exhausted, plain.exhausted]).toEqual([true, true]);
      expect(plain.executions).toBe(interleavings);
      expect(reduced.executions).toBe(classes);
      expect(reduced.pruned).toBe(0);
      expect(sorted(reduced.searched.classes)).toEqual(sorted(plain.searched.classes));
    },
    PATIENT ? 3 * SECONDS_MAX : SECONDS_MAX,
  );

  test(
    "that is interrupted goes on where it was",
    async () => {
      const whole = await search("kick-event-2", "reduced");
      const classes: number[] = [];
      let rest: Batch["searched"]["rest"] | undefined;
      let parts = 0;
      let executions = 0;
      for (; rest === undefined || rest.length > 0; parts++) {
        const part = (await hunter?.run({
          ...{ policy: "exhaust", search: "reduced", count: 50, stopAtFinding: false },
          subtree: { frozen: 0, path: rest ?? [] },
        })) as Batch;
        executions += part.executions;
        classes.push(...part.searched.classes);
        rest = part.searched.rest;
      }
      expect(parts).toBeGreaterThan(2);
      expect(executions).toBe(whole.executions);
      expect(sorted(classes)).toEqual(sorted(whole.searched.classes));
    },
    SECONDS_MAX,
  );
});

describe("a search that is shared", () => {
  /** Pieces in many hands at once, in an order that a seed decides: each is worked at for a few executions. */
  async function shared(name: string, hands: number, seed: number) {
    hunter ??= await Hunter.start({ scenario: findScenario(name) });
    const frontier = new Frontier();
    const held: Piece[] = [];
    const classes: number[] = [];
    let random = seed;
    let executions = 0;
    while (!frontier.exhausted) {
      for (let next = frontier.take(); next !== undefined; next = frontier.take()) {
        held.push(next);
        if (held.length === hands) break;
      }
      random = mixSeed(random, executions);
      const [piece] = held.splice((random >>> 0) % held.length, 1);
      if (piece === undefined) throw new Error("nothing is held, and nothing is to be had");
      const batch = await hunter.run({
        ...{ policy: "exhaust", search: "reduced", count: 1 + ((random >>> 8) % 7), stopAtFinding: false },
        subtree: frontier.subtree(piece),
      });
      executions += batch.executions;
      classes.push(...batch.searched.classes);
      frontier.giveBack(piece, batch.searched, batch.share, held.length < hands - 1);
    }
    expect(frontier.share).toBe(1);
    return { classes, executions };
  }

  test.each([
    ["publish-3", 2],
    ["kick-event-2", 3],
    ["interrupt-flags-2", 2],
    ["intx-2", 4],
    ["doorbell-2", 5],
    ["mailbox-1", 3],
    ["two-cpus-2", 2],
  ])(
    "finds each class of %s once, in whichever of %i hands",
    async (name, hands) => {
      const alone = await search(name, "reduced");
      const { classes, executions } = await shared(name, hands, 7 * hands);
      expect(new Set(classes).size).toBe(classes.length);
      expect(sorted(classes)).toEqual(sorted(alone.searched.classes));
      expect(executions).toBeGreaterThanOrEqual(classes.length);
    },
    SECONDS_MAX,
  );

  test(
    "by two hunters proves the same",
    async () => {
      const options = { search: "reduced", seconds: 100, stopAtFinding: true, races: true } as const;
      const scenario = findScenario("mailbox-1");
      hunter = await Hunter.start({ scenario, races: true });
      const alone = await new TreeSearch([ownLane(hunter)], options, () => {}).run();
      await withLanes(2, async (pool) => {
        const lanes = pool.lanes(hunter as Hunter);
        const worked = lanes.map(() => 0);
        const counted = lanes.map((lane, at) => ({
          ...lane,
          async run(request: HuntRequest) {
            const batch = await lane.run(request);
            worked[at] = (worked[at] ?? 0) + batch.executions;
            return batch;
          },
        }));
        await lanes[1]?.ready();
        const shares = await new TreeSearch(counted, { ...options, aloneMs: 0, batch: 20 }, () => {}).run();
        expect(shares.complete).toBe(true);
        expect(sorted(shares.classes)).toEqual(sorted(alone.classes));
        expect(Math.min(...worked)).toBeGreaterThan(0);
        expect(shares.executions).toBe(worked.reduce((sum, each) => sum + each, 0));
      });
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

  test("that is interrupted says how far it came", async () => {
    const scenario = findScenario("mailbox-2");
    const proof = await prove({ scenario }, { signal: AbortSignal.abort() });
    expect(proof).toMatchObject({ complete: false, interrupted: true, executions: 0 });
    expect(statement(proof, "")).toMatch(/^not proved: mailbox-2 was interrupted after 0 s: 0 executions/);
  });

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
