/** latency: one buffer out at a time, from adding it to having it back, against the bare ping-pong. */
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { type PingPong, startPingPong } from "./harness/ping-pong.ts";
import type { RingShape } from "./ring.data.ts";
import { DEFAULT_SHAPE, startRing } from "./ring-run.ts";

interface Case extends Partial<RingShape> {
  readonly name: string;
  readonly trips: number;
}

const ONE = { outstanding: 1, batch: 1 } as const;
const CASES: readonly Case[] = [
  { name: "polling, queue of 2", size: 2, trips: 5_000 },
  { name: "polling, queue of 256", size: 256, trips: 5_000 },
  { name: "sleeping, spin first", wait: "sleep", spins: 2000, trips: 5_000 },
  { name: "sleeping, no spin", wait: "sleep", trips: 500 },
];

export const latency: Bench = {
  name: "latency",
  about: "one buffer out at a time: there and back",
  async run(plan) {
    const results: Result[] = [];
    const floor = await startPingPong();
    for (const each of CASES) if (plan.wants(each.name)) results.push(await measure(plan, each, floor));
    await floor.stop();
    return results;
  },
};

async function measure(plan: Plan, { name, trips, ...some }: Case, floor: PingPong): Promise<Result> {
  plan.note(`latency: ${name}`);
  const count = plan.scale(trips, trips / 10);
  const run = await startRing({ ...DEFAULT_SHAPE, ...ONE, ...some });
  const times = await alternate(plan, {
    queue: async () => (await run.round(count)).ms,
    raw: () => floor.round(count),
  });
  const { p50, p99, p999 } = await run.trips(count);
  await run.stop();
  const ns = (ms: readonly number[]) => ms.map((each) => (each * 1e6) / count);
  const raw = summarise({ bench: "", case: "", unit: "ns", values: ns(times.raw) }).median;
  return summarise({
    bench: "latency",
    case: name,
    unit: "ns",
    values: ns(times.queue),
    ratios: { vsRawPingPong: pairedRatio(times.queue, times.raw) },
    details: { "raw ns": raw, "p50 us": p50, "p99 us": p99, "p99.9 us": p999 },
  });
}
