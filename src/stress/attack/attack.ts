/** What attacks have in common: rounds, each of a seed of its own, so that one can be run again alone. */
import type { DeviceDefinition, DeviceOptions } from "../../host/device.ts";
import type { Coverage } from "./coverage.ts";
import { shrinkInputs } from "./shrink-inputs.ts";

export interface AttackOptions {
  readonly definition: DeviceDefinition;
  readonly options: DeviceOptions;
  readonly seed: number;
  readonly inputs: number;
  readonly progress?: (done: number) => void;
  /** Rounds that go first, by their seeds. */
  readonly corpus?: readonly number[];
  /** Told of rounds that reached something new, or failed. */
  readonly keep?: (round: number, why: string) => void;
  readonly coverage?: Coverage;
  /** Ends it after the round that runs, with what it has. */
  readonly signal?: AbortSignal;
  /** Only this round, and of it only these inputs (all of them if there are none). */
  readonly only?: { readonly round: number; readonly inputs: readonly number[] };
}

export interface AttackFinding {
  /** Repeats the attack up to here. */
  readonly input: number;
  /** The seed of the round that failed. */
  readonly round: number;
  /** Inputs of that round that are enough on a fresh machine; null: it needs what came before, or an abort left no time to try. */
  readonly shrunk: readonly number[] | null;
  readonly what: string;
  readonly stack: string;
}

export interface AttackReport {
  readonly device: string;
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
  readonly byKind: Readonly<Record<string, number>>;
  /** Breaches that the device noticed, by kind. */
  readonly violations: Readonly<Record<string, number>>;
  /** Times that the attacked side was found usable. */
  readonly proofs: number;
  readonly finding: AttackFinding | null;
}

/** The seed of a part: of a round in an attack, of an input in a round. */
export const partSeed = (seed: number, part: number): number =>
  (Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) + Math.imul(part + 1, 0xc2b2_ae35)) >>> 0;

/** The seeds of an attack's rounds: those of the corpus, then new ones; or the only one that is wanted. */
export function* roundSeeds({ seed, corpus = [], only }: AttackOptions): Generator<number> {
  if (only !== undefined) {
    yield only.round;
    return;
  }
  yield* corpus;
  for (let round = 0; ; round++) yield partSeed(seed, round);
}

/** The same mistake, wherever in memory: numbers may differ. */
const alike = (what: string): string => what.replace(/0x[0-9a-f]+|\d+/g, "#");

/**
 * `replay` runs some inputs of the failed round on a fresh machine and returns what it finds. An abort ends it with the
 * fewest inputs by then.
 */
export async function shrinkFinding(
  what: string,
  inputs: readonly number[],
  replay: (some: readonly number[]) => Promise<string | undefined>,
  signal?: AbortSignal,
): Promise<readonly number[] | null> {
  const fails = async (some: readonly number[]) =>
    signal?.aborted !== true && alike((await replay(some)) ?? "") === alike(what);
  return (await fails(inputs)) ? shrinkInputs(inputs, fails) : null;
}
