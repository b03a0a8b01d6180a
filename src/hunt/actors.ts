/**
 * Actors: what the scheduler chooses among. Threads run code of their own. An interrupt actor is a processor's
 * interrupt context: it runs on top of its thread's code, at any access where the processor would take it. An
 * event happens at once when chosen (somebody asks for an unplug, a resize, a pause) and is acted on where
 * the code that it concerns looks for it. A spurious move is an event that nobody looks for.
 *
 * Their numbers are their rank when nothing else decides: threads first, then interrupts, then events, then what is
 * spurious.
 */
import { planControl } from "../memory/plan.ts";
import { MAX_THREADS } from "../memory/turnstile.ts";
import type { Processes } from "./proof/steps.ts";
import { SCENARIO_DEFAULTS, type Scenario } from "./scenario.ts";
import { type SpuriousMove, spuriousMoves } from "./spurious.ts";
import { MAX_ACTORS } from "./state.ts";

export type ActorKind = "thread" | "interrupt" | "event" | "spurious";

export interface Actor {
  readonly id: number;
  readonly name: string;
  readonly kind: ActorKind;
  /** The thread that it runs on, or that is woken by it. */
  readonly thread: number;
}

export interface ActorPlan {
  readonly actors: readonly Actor[];
  /** By thread: its own actor and its interrupt actor. */
  readonly bases: readonly Actor[];
  readonly interrupts: readonly (Actor | undefined)[];
  /** Events and spurious moves come after all others. */
  readonly firstEvent: number;
  /** A bit for each spurious move: they keep no execution alive. */
  readonly spurious: number;
}

export interface ActorNames {
  readonly threads: readonly string[];
  /** Threads whose processor takes interrupts. */
  readonly interrupted: readonly string[];
  /** Event name to the thread that acts on it. */
  readonly events: Readonly<Record<string, string>>;
  readonly spurious: readonly SpuriousMove[];
}

export function planActors(names: ActorNames): ActorPlan {
  const actors: Actor[] = [];
  const add = (name: string, kind: ActorKind, thread: number): Actor => {
    const actor = { id: actors.length, name, kind, thread };
    actors.push(actor);
    return actor;
  };
  const threadOf = (name: string): number => {
    const index = names.threads.indexOf(name);
    if (index < 0) throw new Error(`no thread "${name}" among ${names.threads.join(", ")}`);
    return index;
  };
  const bases = names.threads.map((name, thread) => add(name, "thread", thread));
  const interrupts = names.threads.map((name, thread) =>
    names.interrupted.includes(name) ? add(`${name} irq`, "interrupt", thread) : undefined,
  );
  const firstEvent = actors.length;
  for (const [name, thread] of Object.entries(names.events)) add(name, "event", threadOf(thread));
  const firstSpurious = actors.length;
  for (const { name, thread } of names.spurious) add(name, "spurious", threadOf(thread));
  if (bases.length > MAX_THREADS || actors.length > MAX_ACTORS) {
    throw new RangeError(`at most ${MAX_THREADS} threads and ${MAX_ACTORS} actors`);
  }
  const spurious = (1 << actors.length) - (1 << firstSpurious);
  return { actors, bases, interrupts, firstEvent, spurious };
}

export function actorsOf(scenario: Scenario): ActorPlan {
  return planActors({
    threads: Object.keys(scenario.threads),
    interrupted: Object.keys(scenario.processors ?? {}),
    events: scenario.events ?? {},
    spurious: spuriousMoves(scenario),
  });
}

export const controlPlanOf = (scenario: Scenario) =>
  planControl({
    cpus: scenario.cpus ?? SCENARIO_DEFAULTS.cpus,
    functions: scenario.functions ?? SCENARIO_DEFAULTS.functions,
    ioThreads: scenario.ioThreads ?? SCENARIO_DEFAULTS.ioThreads,
  });

export const processesOf = ({ actors, interrupts }: ActorPlan): Processes => ({
  process: actors.map(({ id, kind, thread }) => (kind === "event" || kind === "spurious" ? id : thread)),
  concerns: actors.map(({ thread }) => thread),
  interrupt: actors.map(({ kind, thread }) =>
    kind === "event" || kind === "spurious" ? -1 : (interrupts[thread]?.id ?? -1),
  ),
});
