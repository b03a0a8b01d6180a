/** The sides of a comparison, in turn: whatever disturbs the machine disturbs them alike. */
import { interquartileRange, median } from "simple-statistics";
import type { Plan, Result, Unit } from "./bench.ts";

/** One round of one side: the time it took, in milliseconds. */
export type Round = () => number | Promise<number>;
export type Rounds<Side extends string> = Readonly<Record<Side, readonly number[]>>;

/** Each side once for warm-up, then `plan.rounds` times each, in turn. */
export async function alternate<Side extends string>(
  plan: Plan,
  sides: Readonly<Record<Side, Round>>,
  warmUps = 2,
): Promise<Rounds<Side>> {
  const entries = Object.entries<Round>(sides);
  const times: Record<string, number[]> = Object.fromEntries(entries.map(([side]) => [side, []]));
  for (let round = -warmUps; round < plan.rounds; round++) {
    for (const [side, run] of entries) {
      const ms = await run();
      if (round >= 0) times[side]?.push(ms);
    }
  }
  return times as Record<Side, number[]>;
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
