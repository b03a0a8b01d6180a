/**
 * Shrinking. What a scenario does depends on its draws, and zero is the least of each: so the scenario goes first.
 * Then switches are left out, whole actors at a time before single ones, for as long as the same oracle complains. If many
 * remain, a search for another way begins: among the runs with few preemptions, and those in which one actor always goes
 * first. At last each switch is moved as late as
 * it may come, which tells the two accesses whose order it is about (`critical.ts`).
 */
import { type CriticalPair, findCriticalPairs } from "./critical.ts";
import type { Hunter, Recording } from "./hunter.ts";
import { replayInput } from "./replay-line.ts";
import type { Finding } from "./thread.ts";
import type { Switch } from "./trace.ts";

export interface Shrunk {
  readonly switches: readonly Switch[];
  readonly draws: readonly number[];
  /** An actor that goes on whenever it can. */
  readonly favoured: number | undefined;
  readonly recording: Recording;
  readonly critical: readonly CriticalPair[];
  /** Executions that it took. */
  readonly tries: number;
}

/** A schedule as a replay line holds it. */
export interface Schedule {
  readonly switches: readonly Switch[];
  readonly draws: readonly number[];
  readonly favoured?: number | undefined;
}

const TRIES_MAX = 600;
/** Somebody waits for the result: what is shortest by then will do. */
const PATIENCE_MS = 20_000;
/** Few switches are good enough without a search for fewer. */
const FEW = 4;
const SEARCH_MS = 10_000;

/** From the log of a failing execution to a short way to repeat it. */
export async function shrink(hunter: Hunter, log: readonly number[]): Promise<Shrunk> {
  const first = await hunter.record("log", log);
  const shrinker = new Shrinker(hunter, first.findings[0]);
  let best: Schedule = await shrinker.reduce(first);
  if (best.switches.length > FEW) best = (await shrinker.favouring(first.draws)) ?? best;
  if (best.switches.length > FEW) {
    const other = await shrinker.search();
    const reduced = other === undefined ? best : await shrinker.reduce(other);
    if (reduced.switches.length < best.switches.length) best = reduced;
  }
  const { schedule, pairs } = await findCriticalPairs(hunter, best, (tried) => shrinker.fails(tried));
  const recording = await shrinker.record(schedule);
  return {
    switches: recording.switches,
    draws: schedule.draws,
    favoured: schedule.favoured,
    recording,
    critical: pairs,
    tries: shrinker.tries,
  };
}

class Shrinker {
  tries = 0;
  readonly #deadline = performance.now() + PATIENCE_MS;
  readonly #hunter: Hunter;
  readonly #wanted: string;

  constructor(hunter: Hunter, finding: Finding | undefined) {
    this.#hunter = hunter;
    this.#wanted = kindOf(finding);
  }

  get late(): boolean {
    return performance.now() > this.#deadline;
  }

  async fails(schedule: Schedule): Promise<boolean> {
    this.tries++;
    const batch = await this.#hunter.run({ policy: "switches" }, replayInput(schedule));
    return kindOf(batch.findings[0]) === this.#wanted;
  }

  async record(schedule: Schedule): Promise<Recording> {
    this.tries++;
    return await this.#hunter.record("switches", replayInput(schedule));
  }

  async reduce({ switches, draws }: Schedule): Promise<Schedule> {
    if (!(await this.fails({ switches, draws }))) return { switches, draws };
    const least = await this.#leastDraws({ switches, draws });
    const alone = await this.#withoutActors(least);
    const fewest = await this.#leaveOut(alone);
    // With few switches left, fewer draws may do.
    return await this.#leastDraws(fewest);
  }

  /** Another way to the same finding, with the few preemptions that the policy makes. */
  async search(): Promise<Schedule | undefined> {
    const deadline = performance.now() + SEARCH_MS;
    for (let first = 0; ; ) {
      const milliseconds = deadline - performance.now();
      if (milliseconds <= 0) return undefined;
      const batch = await this.#hunter.run({ policy: "delay", first, count: 100_000, milliseconds });
      this.tries += batch.executions;
      first += batch.executions;
      // What fails first may be another finding.
      const same = batch.findings.length > 0 && kindOf(batch.findings[0]) === this.#wanted;
      if (same) return await this.#hunter.record("log", batch.log);
    }
  }

  /** A failure that needs many switches may need no more than an actor that always goes first. */
  async favouring(draws: readonly number[]): Promise<Schedule | undefined> {
    for (const { id } of this.#hunter.actors.filter(({ kind }) => kind === "thread")) {
      const least = { switches: [], draws: draws.map(() => 0), favoured: id };
      if (await this.fails(least)) return least;
      const schedule = { ...least, draws };
      if (await this.fails(schedule)) return await this.#leastDraws(schedule);
    }
    return undefined;
  }

  async #leastDraws(given: Schedule): Promise<Schedule> {
    const { draws } = given;
    let least = draws;
    const all = draws.map(() => 0);
    if (draws.some(Boolean) && (await this.fails({ ...given, draws: all }))) least = all;
    for (let at = 0; at < least.length; at++) {
      const simpler = least.with(at, 0);
      if (least[at] !== 0 && (await this.fails({ ...given, draws: simpler }))) least = simpler;
    }
    return { ...given, draws: least };
  }

  /** Everything that one actor is made to wait for, or made to come early, at once. */
  async #withoutActors({ switches, draws }: Schedule): Promise<Schedule> {
    let kept = switches;
    for (const end of ["to", "actor"] as const) {
      for (const actor of new Set(switches.map((each) => each[end]))) {
        const fewer = kept.filter((each) => each[end] !== actor);
        if (fewer.length < kept.length && (await this.fails({ switches: fewer, draws }))) kept = fewer;
      }
    }
    return { switches: kept, draws };
  }

  /** Delta debugging: ever smaller parts are left out, as long as what remains still fails. */
  async #leaveOut({ switches, draws }: Schedule): Promise<Schedule> {
    let kept = switches;
    const end = this.tries + TRIES_MAX;
    const mayGoOn = (): boolean => this.tries < end && !this.late;
    for (let part = Math.max(1, kept.length >> 1); mayGoOn(); ) {
      let removed = false;
      for (let at = 0; at < kept.length && mayGoOn(); ) {
        const fewer = [...kept.slice(0, at), ...kept.slice(at + part)];
        if (await this.fails({ switches: fewer, draws })) {
          // Once one is left out, others may not come about any more: what did is what counts.
          const happened = (await this.record({ switches: fewer, draws })).switches;
          kept = happened.length < fewer.length ? happened : fewer;
          removed = true;
        } else at += part;
      }
      if (part > 1) part >>= 1;
      else if (!removed) break;
    }
    return { switches: kept, draws };
  }
}

/** The same finding: the same oracle, and of exceptions the same message. */
const kindOf = (finding: Finding | undefined): string =>
  finding === undefined
    ? ""
    : `${finding.oracle} ${finding.oracle === "exception" ? finding.text.split("\n")[0] : ""}`;
