/**
 * latency: one buffer out at a time, from adding it to having it back, against the bare ping-pong; and, where both sides
 * poll, against the same ring in C, which has as many cache lines to move.
 */
import { median } from "simple-statistics";
import { alternate, pairedRatio, type Rounds, summarise } from "./harness/alternate.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { nativeAvailable, nativeRing } from "./harness/native.ts";
import { type PingPong, startPingPong } from "./harness/ping-pong.ts";
import type { RingShape } from "./ring.data.ts";
import { DEFAULT_SHAPE, startRing } from "./ring-run.ts";

interface Case extends Partial<RingShape> {
  readonly name: string;
  readonly trips: number;
}

/** As many rounds, before the one that is timed, as bring each of the two threads to a core of its own. */
const WARM_UPS = 8;
const ONE = { outstanding: 1, batch: 1 } as const;
const CASES: readonly Case[] = [
  { name: "polling, queue of 2", size: 2, trips: 50_000 },
  { name: "polling, queue of 256", size: 256, trips: 50_000 },
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
  const shape = { ...DEFAULT_SHAPE, ...ONE, ...some };
  const run = await startRing(shape);
  const polling = shape.wait === "poll";
  const warmUps = polling ? plan.scale(WARM_UPS, 0) : 0;
  const native = (): number => nativeRing({ ...shape, publish: "batch", count, warmUps }).ms;
  const times: Rounds<string> = await alternate<string>(plan, {
    queue: async () => (await run.round(count, warmUps)).ms,
    raw: () => floor.round(count, warmUps),
    ...(polling && nativeAvailable() && { native }),
  });
  const { queue = [], raw = [], native: inC } = times;
  const { p50, p99, p999 } = await run.trips(count);
  await run.stop();
  const ns = (ms: readonly number[]) => ms.map((each) => (each * 1e6) / count);
  const middle = (ms: readonly number[]) => median(ns(ms));
  return summarise({
    bench: "latency",
    case: name,
    unit: "ns",
    values: ns(queue),
    ratios: { vsRawPingPong: pairedRatio(queue, raw), ...(inC && { vsNative: pairedRatio(queue, inC) }) },
    details: {
      "raw ns": middle(raw),
      ...(inC && { "native ns": middle(inC) }),
      "p50 us": p50,
      "p99 us": p99,
      "p99.9 us": p999,
    },
  });
}
