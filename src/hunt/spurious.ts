/**
 * What nobody needs, and the rules allow: a driver may kick a queue that has nothing new, a device may send a used
 * buffer notification for nothing [2.7.7], and whoever sleeps may wake without a cause. A hunt that asks for them gives
 * each execution a number of such moves; the scheduler chooses when, and which.
 */
import { type ControlPlan, mainKicks } from "../memory/plan.ts";
import type { ActorPlan } from "./actors.ts";
import type { Scenario } from "./scenario.ts";

/** A notification of function 0's queue, or of a vector of the thread's processor. */
export type Spurious = { readonly kick: number } | { readonly vector: number };

/** Bits of a word of the control page. */
export interface WordBits {
  readonly offset: number;
  readonly bits: number;
}

export interface SpuriousMove {
  readonly name: string;
  /** Who is woken by it, and looks. */
  readonly thread: string;
  readonly what: Spurious | undefined;
}

/** The scenario with so many spurious moves in each execution. */
export const withSpurious = (scenario: Scenario, most: number): Scenario =>
  most === 0 ? scenario : { ...scenario, spuriousMost: most };

/** One move of each kind that the scenario allows. */
export function spuriousMoves({ threads, spurious = {}, spuriousMost = 0 }: Scenario): SpuriousMove[] {
  if (spuriousMost === 0) return [];
  const wakeUps = Object.keys(threads).map((thread) => {
    return { name: `spurious wake-up of ${thread}`, thread, what: undefined };
  });
  const notifications = Object.entries(spurious).map(([thread, what]) => {
    return { name: "kick" in what ? "spurious kick" : `spurious interrupt of ${thread}`, thread, what };
  });
  return [...wakeUps, ...notifications];
}

/** Does what a spurious move, by its actor's number, does to the control page: bits that somebody else could have set. */
export function disturber(
  scenario: Scenario,
  { actors }: ActorPlan,
  plan: ControlPlan,
  set: (word: WordBits) => void,
): (actor: number) => void {
  const moves = new Map(spuriousMoves(scenario).map((move) => [move.name, bitsOf(move, scenario, plan)]));
  return (actor) => moves.get(actors[actor]?.name ?? "")?.forEach(set);
}

/** What a move sets: the bits of `KickTarget.kick` or of `InterruptController.post`. */
function bitsOf(
  { thread, what }: SpuriousMove,
  { processors = {} }: Scenario,
  plan: ControlPlan,
): readonly WordBits[] {
  if (what === undefined) return [];
  if ("kick" in what) {
    const { kicks, kickSummary } = mainKicks(plan);
    return [
      { offset: (kicks[0] ?? 0) + 4 * (what.kick >>> 5), bits: 1 << (what.kick & 31) },
      { offset: kickSummary, bits: 1 },
    ];
  }
  const cpu = plan.cpus[processors[thread] ?? 0];
  const word = what.vector >>> 5;
  return [
    { offset: (cpu?.vectors ?? 0) + 4 * word, bits: 1 << (what.vector & 31) },
    { offset: cpu?.summary ?? 0, bits: 1 << word },
  ];
}
