/**
 * hunt: schedules per second of a scenario of about 150 accesses under PCT, and what one execution is made of. The
 * floor is the bare ping-pong of two threads: no hand-over can be faster than half of it.
 */
import { type Batch, Hunter } from "../src/hunt/hunter.ts";
import { findScenario } from "../src/hunt/load.ts";
import { summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { startPingPong } from "./harness/ping-pong.ts";
import { Parts } from "./hunt-parts.ts";

/** Two requests with their kicks and interrupts: some 145 accesses. */
const SCENARIO = "flags";
const SLICE_MS = 1_000;
const SLICE_MS_SMOKE = 150;
/** Engines compile while they run: what comes before is not measured. */
const WARM_UP_MS = 3_000;
const TRIPS = 5_000;
const ACCESSES = 1_000_000;
const MACHINES = 4_000;

interface Slice extends Batch {
  readonly us: number;
}

export const hunt: Bench = {
  name: "hunt",
  about: "executions of a scenario of about 150 accesses under controlled schedules, and their parts",
  async run(plan) {
    const hunter = await Hunter.start({ scenario: findScenario(SCENARIO) });
    try {
      let first = 0;
      const slice = async (policy: string, milliseconds: number): Promise<Slice> => {
        const begun = performance.now();
        const batch = await hunter.run({ policy, first, count: 100_000_000, milliseconds });
        if (batch.findings.length > 0)
          throw new Error(`the hunter found something: ${batch.findings[0]?.text}`);
        first += batch.executions;
        return { ...batch, us: (1000 * (performance.now() - begun)) / batch.executions };
      };
      await slice("random", plan.scale(WARM_UP_MS, SLICE_MS_SMOKE));
      const ms = plan.scale(SLICE_MS, SLICE_MS_SMOKE);
      const slices: Record<"pct3" | "random" | "pct1", Slice[]> = { pct3: [], random: [], pct1: [] };
      for (let round = 0; round < plan.rounds; round++) {
        for (const [policy, into] of Object.entries(slices)) into.push(await slice(policy, ms));
      }
      return [
        ...speeds(slices),
        handOver(slices.pct1, slices.random),
        await floor(plan),
        ...ofOneThread(plan),
      ];
    } finally {
      await hunter.close();
    }
  },
};

function speeds(slices: Readonly<Record<string, readonly Slice[]>>): Result[] {
  return Object.entries(slices).map(([policy, all]) => {
    const last = all.at(-1);
    return summarise({
      bench: "hunt",
      case: `${SCENARIO} under ${policy}`,
      unit: "k/s",
      values: all.map(({ us }) => 1000 / us),
      details: {
        accesses: (last?.accesses ?? 0) / (last?.executions ?? 1),
        switches: (last?.switches ?? 0) / (last?.executions ?? 1),
      },
    });
  });
}

/** What one more switch costs: two policies that make the same accesses, with few switches and with many. */
function handOver(few: readonly Slice[], many: readonly Slice[]): Result {
  const values = few.map((of, round) => {
    const other = many[round] ?? of;
    const more = other.switches / other.executions - of.switches / of.executions;
    return (1000 * (other.us - of.us)) / more;
  });
  return summarise({ bench: "hunt", case: "one more hand-over", unit: "ns", values });
}

function ofOneThread(plan: Plan): Result[] {
  const subject = new Parts(findScenario(SCENARIO), "pct3");
  const count = {
    accesses: plan.scale(ACCESSES, ACCESSES / 10),
    machines: plan.scale(MACHINES, MACHINES / 10),
  };
  const accesses: number[] = [];
  const machines: number[] = [];
  for (let round = -2; round < plan.rounds; round++) {
    const access = (subject.accesses(count.accesses) * 1e6) / count.accesses;
    const machine = (subject.machines(count.machines) * 1e3) / count.machines;
    if (round < 0) continue;
    accesses.push(access);
    machines.push(machine);
  }
  return [
    summarise({ bench: "hunt", case: "an access at the gate", unit: "ns", values: accesses }),
    summarise({ bench: "hunt", case: "a machine made and cleared", unit: "us", values: machines }),
  ];
}

async function floor(plan: Plan): Promise<Result> {
  const pingPong = await startPingPong();
  const values: number[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    values.push(((await pingPong.round(TRIPS)) * 1e6) / TRIPS / 2);
  }
  await pingPong.stop();
  return summarise({ bench: "hunt", case: "floor: a bare hand-over", unit: "ns", values });
}
