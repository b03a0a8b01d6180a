/** What a bench is, and what it hands back. Times and rates are of the median round; ratios are paired by round. */

/** How much work a run of the benches does. */
export interface Plan {
  /** A few seconds in all: shows that the benches work, says little about speed. */
  readonly smoke: boolean;
  /** Alternations of the two sides. */
  readonly rounds: number;
  /** `full`, or `smoke` where that is asked for. */
  scale(full: number, smoke: number): number;
  /** Whether a case was asked for. */
  wants(name: string): boolean;
  /** Tells whoever waits what is being measured. */
  note(text: string): void;
}

export type Unit = "M/s" | "k/s" | "MB/s" | "ns" | "us" | "%" | "bytes";

export interface Result {
  readonly bench: string;
  readonly case: string;
  readonly unit: Unit;
  readonly median: number;
  /** Distance of the quartiles, as a part of the median. */
  readonly spread: number;
  readonly ratios: Readonly<Record<string, number>>;
  /** Anything else worth a column: counts, the other side's figure. */
  readonly details: Readonly<Record<string, number | string>>;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  run(plan: Plan): Promise<Result[]>;
}
