/** Whether a scenario repeats itself: an execution must depend on its schedule and on nothing else. */
import { siteLabel } from "../wire/sites.ts";
import type { Hunter, Recording } from "./hunter.ts";
import { describeAccess, placeOf } from "./report/steps.ts";
import type { TraceEntry } from "./trace.ts";

/** Whether one schedule, at random, does the same each time it is followed. */
export async function goesAstray(hunter: Hunter, seed: number): Promise<string | undefined> {
  const { log, findings } = await hunter.run({ policy: "random", seed });
  // A schedule that fails is followed again anyway.
  return findings.length > 0 ? undefined : await differingStep(hunter, log);
}

/** Runs the log of an execution twice; a sentence about the first step at which the two differ, or undefined. */
export async function differingStep(hunter: Hunter, log: readonly number[]): Promise<string | undefined> {
  const first = await hunter.record("log", log);
  const second = await hunter.record("log", log);
  if (first.hash === second.hash && first.entries.length === second.entries.length) return undefined;
  const at = first.entries.findIndex((entry, index) => !same(entry, second.entries[index]));
  // Of two runs of which one is the other's beginning, the longer one has the step.
  const step = at < 0 ? Math.min(first.entries.length, second.entries.length) : at;
  const [one, other] = [did(first, step), did(second, step)];
  const order = (first.entries[step] ?? second.entries[step])?.order ?? 0;
  return `the scenario does not repeat itself: at step ${order} ${one}, and a second time ${other}, under the same schedule`;
}

function same(a: TraceEntry, b: TraceEntry | undefined): boolean {
  if (b === undefined || a.actor !== b.actor) return false;
  if (a.type === "note") return b.type === "note" && a.text === b.text;
  if (b.type === "note") return false;
  const facts = ({ memory, offset, bytes, site, kind, value }: typeof a): string =>
    `${memory} ${offset} ${bytes} ${site} ${kind} ${value}`;
  return facts(a) === facts(b);
}

function did(recording: Recording, at: number): string {
  const entry = recording.entries[at];
  if (entry === undefined) return "everything had ended";
  const actor = recording.actors[entry.actor]?.name ?? `actor ${entry.actor}`;
  if (entry.type === "note") return `the ${actor} said "${entry.text}"`;
  const text = describeAccess(entry, placeOf(recording, entry));
  return `the ${actor} did "${siteLabel(entry.site) === "other" ? `${placeOf(recording, entry).text}: ${text}` : text}"`;
}
