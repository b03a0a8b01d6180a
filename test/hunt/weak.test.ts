import { describe, expect, test } from "vitest";
import { Hunter } from "../../src/hunt/hunter.ts";
import { findScenario } from "../../src/hunt/load.ts";
import { prove } from "../../src/hunt/proof/prove.ts";
import { parseReplay, replayInput } from "../../src/hunt/replay-line.ts";
import type { WeakSetup } from "../../src/hunt/thread.ts";
import { DEMOTIONS, type Demotion } from "../../src/hunt/weak/demotions.ts";
import type { Weakness } from "../../src/hunt/weak/weak-memory.ts";

const SECONDS_MAX = 60_000;
const SCHEDULES = 8000;
const SCHEDULES_WITHOUT = 300;

/** The oracles that object to a demoted site, look by look. */
async function look(
  { scenario, sites, policy }: Demotion,
  switches: readonly Weakness[],
  looks: readonly { races: boolean; count: number }[],
): Promise<readonly (readonly string[])[]> {
  const hunter = await Hunter.start({ scenario: findScenario(scenario), weak: { switches, demoted: sites } });
  try {
    const search = policy === "exhaust" ? ({ search: "reduced" } as const) : {};
    const seen: string[][] = [];
    for (const each of looks) {
      const { findings } = await hunter.run({ policy, ...search, ...each, seed: 3 });
      seen.push(findings.map(({ oracle }) => oracle));
    }
    return seen;
  } finally {
    await hunter.close();
  }
}

describe("a replay line", () => {
  test(
    "says which weakness its finding needs, and repeats it",
    async () => {
      const weak: WeakSetup = { switches: ["store-buffer"], demoted: ["driver: publish avail.idx"] };
      const scenario = findScenario("publish-1");
      const { findings, replay = "" } = await prove({ scenario, weak }, { races: false });
      expect(replay).toMatch(
        /^publish-1:-:draws=[\d.]+:needs=weak\.store-buffer,plain\.driver\.publish-avail\.idx:/,
      );
      const line = parseReplay(replay);
      expect(line.weak).toEqual(weak);
      const hunter = await Hunter.start({ scenario, weak: line.weak });
      try {
        const again = await hunter.record("switches", replayInput(line));
        expect(again.findings.map(({ oracle }) => oracle)).toEqual(findings.map(({ oracle }) => oracle));
      } finally {
        await hunter.close();
      }
    },
    SECONDS_MAX,
  );

  test.each(["magic", "weak.magic", "plain.magic"])("that needs %s is refused", (need) => {
    expect(() => parseReplay(`publish-1:-:draws=:needs=${need}:`)).toThrow(
      `"${need}" is not first.<actor>, races, monitor, spurious.<count>, weak.<switch> or plain.<site>`,
    );
  });
});

describe("a barrier that is missing", () => {
  test.each(DEMOTIONS)(
    "$id: $name: is flagged, is not seen without a switch, and happens with $needs",
    async (demotion) => {
      const [races, quiet] = await look(
        demotion,
        [],
        [
          { races: true, count: SCHEDULES_WITHOUT },
          { races: false, count: SCHEDULES_WITHOUT },
        ],
      );
      expect(races).toContain("O10 data race");
      expect(quiet).toEqual([]);
      const [seen] = await look(demotion, [demotion.needs], [{ races: false, count: SCHEDULES }]);
      expect(seen).toEqual([demotion.oracle]);
    },
    SECONDS_MAX,
  );

  test(
    "is none where every site is as it should be: the code as it is stands every weakness",
    async () => {
      for (const scenario of ["kick-flags-1", "interrupt-event-1", "mailbox-1"]) {
        const subject: Demotion = {
          id: "none",
          family: "SB",
          name: "nothing demoted",
          sites: [],
          needs: "store-buffer",
          scenario,
          policy: "portfolio",
          oracle: "",
        };
        const all: Weakness[] = ["store-buffer", "stale-reads", "hoist", "tear"];
        expect(await look(subject, all, [{ races: true, count: SCHEDULES_WITHOUT }])).toEqual([[]]);
      }
    },
    SECONDS_MAX,
  );
});
