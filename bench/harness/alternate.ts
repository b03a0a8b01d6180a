/** The sides of a comparison, in turn: whatever disturbs the machine disturbs them alike. */
import { interquartileRange, median } from "simple-statistics";
import type { Plan, Result, Unit } from "./bench.ts";

/** One round of one side: the time it took, in milliseconds. */
export type Round = () => number | Promise<number>;
export type Rounds<Side extends string> = Readonly<Record<Side, readonly number[]>>;

/** Short turns of each side in one round: what disturbs one of them does not spoil the round. */
const TURNS = 5;
const WARM_UPS = 2;

/** Warm-up, then `plan.rounds` rounds in which the sides take turns; a round's time is the median of its turns. */
export async function alternate<Side extends string>(
  plan: Plan,
  sides: Readonly<Record<Side, Round>>,
): Promise<Rounds<Side>> {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let round = -plan.scale(WARM_UPS, 0); round < plan.rounds; round++) {
    const turns = await takeTurns(sides, plan.scale(TURNS, 1));
    if (round < 0) continue;
    for (const [side, ms] of Object.entries(turns)) times[side]?.push(median(ms));
  }
  return times as Record<Side, number[]>;
}

async function takeTurns(sides: Readonly<Record<string, Round>>, count: number) {
  const turns: Record<string, number[]> = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let turn = 0; turn < count; turn++) {
    for (const [side, run] of Object.entries(sides)) turns[side]?.push(await run());
  }
  return turns;
}

/** The median of each round's own ratio: a noisy round spoils one ratio, not the comparison. */
export function pairedRatio(of: readonly number[], to: readonly number[]): number {
  return median(of.map((value, round) => value / (to[round] ?? Number.NaN)));
}

export interface Summary {
  readonly bench: string;
  readonly case: string;
  readonly unit: Unit;
  readonly values: readonly number[];
  readonly ratios?: Result["ratios"];
  readonly details?: Result["details"];
}

export function summarise({ values, ratios = {}, details = {}, ...rest }: Summary): Result {
  const middle = median([...values]);
  const spread = middle === 0 ? 0 : interquartileRange([...values]) / middle;
  return { ...rest, median: middle, spread, ratios, details };
}
