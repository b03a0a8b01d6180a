/**
 * A scenario is data: a small machine, the threads that run in it, what each does, and how it is judged. It is built
 * anew for every execution, so it should be small; what it does outside shared memory must depend on nothing but
 * its arguments (no clock, no randomness but `draw`).
 */
import type { ControlPlan } from "../memory/plan.ts";
import type { Ram } from "../memory/ram.ts";
import type { AccessKind, ScheduledMemory } from "../memory/scheduled-memory.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import type { Side } from "../monitor/moments.ts";
import type { Observer } from "../monitor/observer.ts";
import type { SiteLabel } from "../wire/sites.ts";
import type { Spurious } from "./spurious.ts";

/** What was wrong, by the oracle that saw it. */
export type OracleName =
  | "O1 quiescence"
  | "O2 ownership"
  | "O3 stamps"
  | "O4 ring"
  | "O5 conservation"
  | "O6 notifications"
  | "O7 interrupts"
  | "O8 config"
  | "O9 bounded work"
  | "O10 data race"
  | "O11 statements"
  | "exception"
  | (string & {});

/** How an execution ended, as its judges see it. */
export type Ending = "quiescent" | "cut short";

/** What a thread of a scenario is given. */
export interface ThreadContext {
  readonly ram: Ram;
  readonly control: SharedMemory;
  /** Guest RAM without scheduling points, for oracles. */
  readonly quietRam: ScheduledMemory;
  readonly plan: ControlPlan;
  /** Ends the set-up: from here on the policy decides. One thread calls it, once. */
  begin(): void;
  /** A free choice below `limit`: part of the schedule. */
  draw(limit: number): number;
  /** Whether an event has happened and was not asked about before. */
  takeEvent(name: string): boolean;
  /** A finding: ends the execution. */
  fail(oracle: OracleName, text: string): never;
  /** Runs after each access of this thread at a site, with where it was and what was read or written. */
  watch(site: SiteLabel, look: (offset: number, value: number) => void): void;
  /** Runs after each access of this thread to guest RAM. */
  watchRam(look: (kind: AccessKind) => void): void;
  /** Where statements are checked: what this thread is of the machine; its bus and its idle sleeps are to be told. */
  readonly watchStatements?: (side: Side) => Observer;
}

/** A processor's interrupts, as the gate needs them. */
export interface Processor {
  /** Whether it would take an interrupt now. */
  accepts(): boolean;
  /** Whether one is pending; asked of any processor by any thread. */
  pending(): boolean;
  /** Takes what is pending. */
  interrupt(): void;
}

/** One side of the machine, made for one execution. */
export interface ThreadProgram {
  run(): void | Promise<void>;
  /** The processor that this thread is, if it takes interrupts. */
  processor?: Omit<Processor, "pending">;
  /** After the execution: report what is wrong. Accesses are free. */
  judge?(ending: Ending, report: (oracle: OracleName, text: string) => void): void;
  /** State for a failure's report. */
  describe?(): unknown;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** In order; the first one moves when nothing else decides. */
  readonly threads: Readonly<Record<string, (context: ThreadContext) => ThreadProgram>>;
  /** Threads that take interrupts, and which virtual CPU each is. */
  readonly processors?: Readonly<Record<string, number>>;
  /** Things that happen at any moment: event name to the thread that acts on it. */
  readonly events?: Readonly<Record<string, string>>;
  /** Notifications that may come without need, by the thread that is notified. */
  readonly spurious?: Readonly<Record<string, Spurious>>;
  /** How many of them, and of wake-ups without a cause, an execution may have; none unless a hunt asks. */
  readonly spuriousMost?: number;
  readonly ramBytes?: number;
  readonly cpus?: number;
  readonly functions?: number;
  readonly ioThreads?: number;
  /** More accesses than this in one execution is a finding (O9). */
  readonly stepsMax?: number;
  /** The module that holds it, where that is not one of ours. */
  readonly file?: string | undefined;
}

export function defineScenario(scenario: Scenario): Scenario {
  return scenario;
}

export const SCENARIO_DEFAULTS = {
  ramBytes: 32_768,
  cpus: 1,
  functions: 1,
  ioThreads: 0,
  stepsMax: 5000,
} as const;
