/**
 * What the last thread does between executions, while everybody else waits: ends the last one, seeds the next, and decides
 * when the batch is over.
 */
import type { Turnstile } from "../memory/turnstile.ts";
import type { ActorPlan } from "./actors.ts";
import type { Dirt } from "./dirt.ts";
import { Pace } from "./pace.ts";
import { MOVE, setPending } from "./pending.ts";
import { POLICIES, policyFor } from "./policies/index.ts";
import { Search, type Searched } from "./proof/search.ts";
import { optionsMultiplied, type Processes } from "./proof/steps.ts";
import { SCENARIO_DEFAULTS, type Scenario } from "./scenario.ts";
import { AREA, ENDED, mixSeed, PHASE, SHARE_ALL, WORD } from "./state.ts";
import type { BatchRequest } from "./thread.ts";

/** Executions between looks at the clock. */
const CLOCK_EVERY = 64;

export interface LeaderParts {
  readonly scenario: Scenario;
  readonly actors: ActorPlan;
  readonly processes: Processes;
  readonly turnstile: Turnstile;
  readonly dirt: Dirt;
}

export class Leader {
  readonly #parts: LeaderParts;
  readonly #words: Int32Array;
  readonly #pace: Pace;
  readonly #stepsMax: number;
  #search: Search | undefined;
  #request!: BatchRequest;
  #deadline = 0;
  #schedules = 0;

  constructor(parts: LeaderParts) {
    this.#parts = parts;
    this.#words = parts.turnstile.words;
    this.#pace = new Pace(parts.turnstile);
    this.#stepsMax = parts.scenario.stepsMax ?? SCENARIO_DEFAULTS.stepsMax;
  }

  /** Of a systematic search: the classes of executions seen, and what is left for others. */
  get searched(): Searched {
    const { classes = [], rest = [], wanted = [] } = this.#search ?? {};
    return { classes: [...classes], rest, wanted };
  }

  /** Of probes: the sum of the products of their steps' options (Knuth's estimate of a tree's leaves). */
  get schedules(): number {
    return this.#schedules;
  }

  beginBatch(request: BatchRequest): void {
    this.#request = request;
    this.#schedules = 0;
    this.#deadline = performance.now() + request.milliseconds;
    this.#startSearch(request);
    this.#pace.resume(request.count, request.crowded);
  }

  /** Ends the last execution and begins the next, or stops the batch. */
  lead(done: number): void {
    const words = this.#words;
    const request = this.#request;
    if (done === 0) words[WORD.stop] = 0;
    else this.#conclude();
    if (done >= request.count) words[WORD.stop] = 1;
    if (done % CLOCK_EVERY === 0 && done > 0 && performance.now() > this.#deadline) words[WORD.stop] = 1;
    // Others may ask for a stop at any moment; the threads go by what the leader has decided.
    words[WORD.over] = words[WORD.stop] as number;
    if (words[WORD.over] !== 0) {
      this.#pace.pause();
      return;
    }
    this.#begin(request.first + done * request.stride);
  }

  #begin(execution: number): void {
    const words = this.#words;
    const request = this.#request;
    const { actors } = this.#parts;
    words[WORD.phase] = PHASE.outside;
    words[WORD.ended] = ENDED.no;
    words[WORD.chosen] = 0;
    words[WORD.step] = 0;
    words[WORD.enabled] = (1 << actors.bases.length) - 1;
    words[WORD.parked] = 0;
    words[WORD.circling] = 0;
    words[WORD.accepting] = 0;
    words[WORD.fired] = 0;
    words[WORD.tokens] = 0;
    words[WORD.favoured] = -1;
    words[WORD.spurious] = this.#parts.scenario.spuriousMost ?? 0;
    words[WORD.random] = mixSeed(request.seed, execution);
    words[WORD.hash] = 0;
    words[WORD.decisions] = 0;
    words[WORD.draws] = 0;
    words[WORD.execution] = execution;
    words[WORD.record] = request.record || request.policy === "switches" ? 1 : 0;
    words[WORD.switches] = 0;
    words[WORD.preemptions] = 0;
    words[WORD.alone] = 0;
    words[WORD.inputAt] = 0;
    words[WORD.stepsMax] = this.#stepsMax;
    for (let actor = 0; actor < actors.actors.length; actor++) words[AREA.blockedOn + actor] = -1;
    if (words[WORD.record] !== 0) words.fill(0, AREA.occurrences, AREA.log);
    words[WORD.journal] = request.races ? 0 : -1;
    for (const { id } of actors.bases) setPending(words, id, 0, 0, 0, MOVE.start, 0);
    words[WORD.probing] = request.search === "probe" ? 1 : 0;
    this.#search?.begin(words);
    words[WORD.policy] = policyFor(
      request.policy,
      execution,
      request.depthFirst && words[WORD.exhausted] === 0,
    );
    POLICIES[words[WORD.policy] as number]?.begin(words, actors.actors.length);
    this.#parts.dirt.clear();
  }

  #startSearch({ search, subtree }: BatchRequest): void {
    this.#search = undefined;
    if (search === undefined) return;
    this.#words[WORD.exhausted] = 0;
    this.#words[WORD.prunedAll] = 0;
    this.#words[WORD.inputLength] = 0;
    if (search !== "probe") this.#search = new Search(this.#parts.processes, search === "reduced", subtree);
  }

  #conclude(): void {
    const words = this.#words;
    const request = this.#request;
    POLICIES[words[WORD.policy] as number]?.end?.(words);
    if (this.#search !== undefined) {
      this.#search.advance(words);
      words[WORD.exhausted] = this.#search.exhausted ? 1 : 0;
      words[WORD.share] = Math.floor(this.#search.share * SHARE_ALL);
      if (this.#search.exhausted) words[WORD.stop] = 1;
    }
    if (request.search === "probe") this.#schedules += optionsMultiplied(words);
    if (words[WORD.ended] === ENDED.pruned) words[WORD.prunedAll] = (words[WORD.prunedAll] as number) + 1;
    const steps = words[WORD.step] as number;
    if (steps > (words[WORD.horizon] as number) && words[WORD.ended] === ENDED.quiescent) {
      words[WORD.horizon] = steps;
    }
    words[WORD.accesses] = (words[WORD.accesses] as number) + steps;
    words[WORD.allSwitches] = (words[WORD.allSwitches] as number) + (words[WORD.switches] as number);
    words[WORD.executions] = (words[WORD.executions] as number) + 1;
    if (words[WORD.exhausted] !== 0 && request.policy === "dfs") words[WORD.stop] = 1;
    if (request.stopAtFinding && words[WORD.findings] !== 0) words[WORD.stop] = 1;
    this.#pace.tick();
  }
}
