/**
 * ring: the workload of Linux's ringtest through the public virtqueue classes with every check on, against the same
 * workload in C.
 */

import { alternate, pairedRatio, type Round, type Rounds, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { nativeAvailable, nativeRing } from "./harness/native.ts";
import type { RingShape } from "./ring.data.ts";
import { DEFAULT_SHAPE, type RingRound, startRing } from "./ring-run.ts";

interface Case extends Partial<RingShape> {
  readonly name: string;
  /** Which native rings it is compared with. */
  readonly against: Readonly<Record<string, "each" | "batch">>;
}

/** As long as a spin that is still cheaper than a sleep. */
const SPINS = 2000;
/** A native round is a process of its own, and ours begins with a thread that slept: both warm up each time. */
const WARM_UPS = 8;
const POLLING = { vsNativePerBuffer: "each", vsNativeBatched: "batch" } as const;
const SLEEPING = { vsNativeSleeping: "each", vsNativeSleepingBatched: "batch" } as const;

const CASES: readonly Case[] = [
  { name: "polling", against: POLLING },
  { name: "polling, other buffers each time", buffers: 1024, against: POLLING },
  { name: "polling, publish each buffer", batch: 1, against: { vsNativePerBuffer: "each" } },
  { name: "polling, indirect, 3 descriptors", indirect: true, segments: 3, against: {} },
  { name: "sleeping, event index, spin first", wait: "sleep", spins: SPINS, against: SLEEPING },
  { name: "sleeping, event index, no spin", wait: "sleep", against: SLEEPING },
  { name: "sleeping, flags, spin first", wait: "sleep", eventIndex: false, spins: SPINS, against: {} },
];

export const ring: Bench = {
  name: "ring",
  about: "buffers through one queue of 256 between two threads, 64 to a publication, against C",
  async run(plan) {
    const results: Result[] = [];
    for (const each of CASES) if (plan.wants(each.name)) results.push(await measure(plan, each));
    return results;
  },
};

async function measure(plan: Plan, { name, against, ...some }: Case): Promise<Result> {
  const shape = { ...DEFAULT_SHAPE, ...some };
  const count = plan.scale(200_000, 2_000);
  plan.note(`ring: ${name}`);
  const warmUps = plan.scale(WARM_UPS, 0);
  const run = await startRing(shape);
  const seen: RingRound[] = [];
  const virtlab = async (): Promise<number> => {
    const round = await run.round(count, warmUps);
    seen.push(round);
    return round.ms;
  };
  const references = nativeAvailable() ? Object.entries(against) : [];
  const natives = references.map(([ratio, publish]): [string, Round] => [
    ratio,
    () => nativeRing({ ...shape, publish, count, warmUps }).ms,
  ]);
  const times: Rounds<string> = await alternate(plan, { virtlab, ...Object.fromEntries(natives) });
  await run.stop();
  return summary(name, count, times, seen.at(-1));
}

function summary(name: string, count: number, times: Rounds<string>, last: RingRound | undefined): Result {
  const { virtlab = [], ...natives } = times;
  const rates = (ms: readonly number[]) => ms.map((each) => count / each / 1000);
  const details: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  for (const [ratio, ms] of Object.entries(natives)) {
    ratios[ratio] = pairedRatio(rates(virtlab), rates(ms));
    details[`${ratio.replace("vs", "")} M/s`] = summarise({
      bench: "",
      case: "",
      unit: "M/s",
      values: rates(ms),
    }).median;
  }
  if (last !== undefined) {
    const { kicks, interrupts, spurious } = last;
    Object.assign(details, { kicks, interrupts, spurious });
  }
  return summarise({ bench: "ring", case: name, unit: "M/s", values: rates(virtlab), ratios, details });
}
