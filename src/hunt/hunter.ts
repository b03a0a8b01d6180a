/**
 * The hunter: one scenario, with or without a defect, on its own controlled threads. It hands out batches of executions
 * and takes back findings. One hunter keeps two threads busy.
 */
import type { Worker } from "node:worker_threads";
import { UsageError } from "../host/device.ts";
import { allocateShared, type SharedBuffer } from "../memory/attach.ts";
import type { ControlPlan } from "../memory/plan.ts";
import { Turnstile } from "../memory/turnstile.ts";
import type { Actor } from "./actors.ts";
import { returnThread, takeThread } from "./idle-threads.ts";
import { NOTHING_SEARCHED, type Searched } from "./proof/search.ts";
import type { Justified } from "./races/detector.ts";
import { type Ring, ringsOf } from "./report/places.ts";
import { SCENARIO_DEFAULTS, type Scenario } from "./scenario.ts";
import { AREA, coverageOf, SHARE_ALL, STATE_WORDS, WORD } from "./state.ts";
import {
  actorsOf,
  type BatchRequest,
  type BatchResult,
  controlPlanOf,
  type Finding,
  type WeakSetup,
} from "./thread.ts";
import type { Decision, RecordedSwitch, TraceEntry } from "./trace.ts";
import type { HuntMessage, HuntReply } from "./worker.ts";

/** An execution that moves nothing for this long hangs outside shared memory. */
const HANG_MS = 5000;

export interface HuntTarget {
  readonly scenario: Scenario;
  readonly defect?: string | undefined;
  /** A module that holds the scenario or the defect. */
  readonly file?: string | undefined;
  /** Hold each execution against the definition of a data race. */
  readonly races?: boolean | undefined;
  /** And against the specification's statements. */
  readonly monitor?: boolean | undefined;
  /** Memory weaker than sequentially consistent. */
  readonly weak?: WeakSetup | undefined;
}

export interface Batch {
  readonly executions: number;
  readonly findings: readonly Finding[];
  readonly justified: readonly Justified[];
  readonly accesses: number;
  readonly switches: number;
  readonly hash: number;
  /** Nothing is left to try. */
  readonly exhausted: boolean;
  /** Every decision of the last execution, to follow with the policy "log". */
  readonly log: readonly number[];
  readonly policy: number;
  /** Of a systematic search: classes and what is left; how much is behind (0 to 1), executions cut short. */
  readonly searched: Searched;
  readonly share: number;
  readonly pruned: number;
  readonly schedules: number;
  /** Pairs of sites between which the baton changed hands, since the hunter began; a bit each. */
  readonly coverage: readonly number[];
}

/** One execution, written down. */
export interface Recording {
  readonly findings: readonly Finding[];
  readonly entries: readonly TraceEntry[];
  readonly switches: readonly RecordedSwitch[];
  /** The actor that went on whenever it could; without one, whoever moved went on. */
  readonly favoured: number | undefined;
  readonly draws: readonly number[];
  readonly decisions: readonly Decision[];
  /** The rings that the machine had at the end, for naming places in RAM. */
  readonly rings: readonly Ring[];
  readonly plan: ControlPlan;
  readonly described: Readonly<Record<string, unknown>>;
  /** MUSTs of the specification that it breaks, whatever oracle complained. */
  readonly statements: readonly string[];
  readonly actors: readonly Actor[];
  readonly hash: number;
  readonly steps: number;
}

/** What a batch is to do; the rest as usual. */
export type HuntRequest = Partial<BatchRequest> & Pick<BatchRequest, "policy">;

/** A thread died, or hangs where no scheduler can reach it. */
export class HuntBrokenError extends Error {
  override readonly name = "HuntBrokenError";
}

export class Hunter {
  readonly target: HuntTarget;
  readonly actors: readonly Actor[];
  readonly #words: Int32Array;
  readonly #control: SharedBuffer;
  readonly #workers: readonly Worker[];
  /** Not all threads have answered; if one broke, they never will. */
  #asked = false;

  private constructor(
    target: HuntTarget,
    words: Int32Array,
    control: SharedBuffer,
    workers: readonly Worker[],
  ) {
    this.target = target;
    this.#control = control;
    this.#words = words;
    this.#workers = workers;
    this.actors = actorsOf(target.scenario).actors;
  }

  static async start(target: HuntTarget): Promise<Hunter> {
    const { scenario } = target;
    const threads = Object.keys(scenario.threads);
    if (threads.length === 0) throw new UsageError(`${scenario.name} is empty: it has no threads`);
    const shared = {
      state: Turnstile.allocate(STATE_WORDS),
      ram: allocateShared(scenario.ramBytes ?? SCENARIO_DEFAULTS.ramBytes),
      control: allocateShared(controlPlanOf(scenario).bytes),
    };
    // The last thread leads, so it has the baton first.
    const turnstile = new Turnstile(shared.state);
    turnstile.pass(threads.length - 1);
    const workers = threads.map(() => takeThread(target.file ?? null));
    const hunter = new Hunter(target, turnstile.words, shared.control, workers);
    const common = {
      ...shared,
      scenario: scenario.name,
      defect: target.defect ?? null,
      spurious: scenario.spuriousMost ?? 0,
      ...(target.weak !== undefined && { weak: target.weak }),
    };
    try {
      await hunter.#ask((thread) => ({ type: "setup", setup: { ...common, thread } }));
    } catch (error) {
      await hunter.close();
      throw error;
    }
    return hunter;
  }

  /** Executions of the campaign: `first`, `first + stride`, and so on. */
  async run(request: HuntRequest, input?: readonly number[]): Promise<Batch> {
    const { batch } = await this.#run(request, input);
    return batch;
  }

  /** Runs one execution after an input and writes it down. */
  async record(policy: "log" | "switches", input: readonly number[]): Promise<Recording> {
    const { results } = await this.#run({ policy, count: 1, record: true }, input);
    const byOrder = (a: { order: number }, b: { order: number }): number => a.order - b.order;
    const names = Object.keys(this.target.scenario.threads);
    return {
      findings: results.flatMap(({ findings }) => findings),
      entries: results.flatMap(({ trace }) => trace.entries).sort(byOrder),
      switches: results.flatMap(({ trace }) => trace.switches).sort(byOrder),
      favoured: this.actors[this.#words[WORD.favoured] as number]?.id,
      draws: results
        .flatMap(({ trace }) => trace.draws)
        .sort(byOrder)
        .map(({ value }) => value),
      decisions: results.flatMap(({ trace }) => trace.decisions).sort(byOrder),
      rings: ringsOf(this.#control, controlPlanOf(this.target.scenario)),
      plan: controlPlanOf(this.target.scenario),
      described: Object.fromEntries(results.map(({ trace }, thread) => [names[thread], trace.described])),
      statements: [...new Set(results.flatMap(({ trace }) => trace.statements))],
      actors: this.actors,
      hash: results[0]?.hash ?? 0,
      steps: this.#words[WORD.step] as number,
    };
  }

  get threads(): number {
    return this.#workers.length;
  }

  /** Executions so far of the batch that runs. */
  get progress(): number {
    return this.#words[WORD.executions] as number;
  }

  /** Asks the running batch to end soon. */
  stop(): void {
    this.#words[WORD.stop] = 1;
  }

  async close(): Promise<void> {
    if (!this.#asked) for (const worker of this.#workers) returnThread(worker, this.target.file ?? null);
    else await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  async #run(
    request: HuntRequest,
    input: readonly number[] = [],
  ): Promise<{ batch: Batch; results: readonly BatchResult[] }> {
    const words = this.#words;
    words[WORD.findings] = 0;
    words[WORD.executions] = 0;
    words[WORD.accesses] = 0;
    words[WORD.allSwitches] = 0;
    words[WORD.recordOrder] = 0;
    words[WORD.inputLength] = input.length;
    words.set(input, AREA.input);
    const full: BatchRequest = {
      seed: 1,
      first: 0,
      count: 1,
      stride: 1,
      milliseconds: Number.POSITIVE_INFINITY,
      stopAtFinding: true,
      record: false,
      races: this.target.races ?? false,
      monitor: this.target.monitor ?? false,
      justify: false,
      depthFirst: true,
      crowded: false,
      ...request,
    };
    const replies = await this.#ask(() => ({ type: "batch", request: full }));
    const results = replies.flatMap((reply) => (reply.type === "result" ? [reply.result] : []));
    const leader = results.at(-1);
    const decisions = words[WORD.decisions] as number;
    return {
      results,
      batch: {
        executions: results[0]?.executions ?? 0,
        findings: results.flatMap(({ findings }) => findings),
        justified: results.flatMap(({ justified }) => justified),
        accesses: words[WORD.accesses] as number,
        switches: words[WORD.allSwitches] as number,
        hash: results[0]?.hash ?? 0,
        exhausted: words[WORD.exhausted] !== 0,
        log: [...words.subarray(AREA.log, AREA.log + decisions)],
        policy: words[WORD.policy] as number,
        searched: leader?.searched ?? NOTHING_SEARCHED,
        share: (words[WORD.share] as number) / SHARE_ALL,
        pruned: words[WORD.prunedAll] as number,
        schedules: leader?.schedules ?? 0,
        coverage: coverageOf(words),
      },
    };
  }

  /** One question to all threads, answered by all. A thread that dies, or a batch that stands still, fails it. */
  async #ask(question: (thread: number) => HuntMessage): Promise<HuntReply[]> {
    this.#asked = true;
    let watchdog: NodeJS.Timeout | undefined;
    const cleanups: (() => void)[] = [];
    try {
      const answers = this.#workers.map(
        (worker) =>
          new Promise<HuntReply>((resolve, reject) => {
            const message = (reply: HuntReply): void => {
              if (reply.type === "failed") reject(new HuntBrokenError(reply.message));
              else resolve(reply);
            };
            const error = (cause: unknown): void =>
              reject(new HuntBrokenError(`a thread died: ${String(cause)}`));
            const exit = (): void => reject(new HuntBrokenError("a thread ended"));
            worker.on("message", message).on("error", error).on("exit", exit);
            cleanups.push(() => worker.off("message", message).off("error", error).off("exit", exit));
          }),
      );
      for (const [thread, worker] of this.#workers.entries()) worker.postMessage(question(thread));
      const hang = new Promise<never>((_, reject) => {
        let last = "";
        watchdog = setInterval(() => {
          const now = `${this.#words[WORD.executions]} ${this.#words[WORD.step]}`;
          if (now === last && last !== "0 0") {
            reject(
              new HuntBrokenError(`execution ${this.#words[WORD.execution]} hangs outside shared memory`),
            );
          }
          last = now;
        }, HANG_MS);
      });
      const replies = await Promise.race([Promise.all(answers), hang]);
      this.#asked = false;
      return replies;
    } finally {
      clearInterval(watchdog);
      for (const cleanup of cleanups) cleanup();
    }
  }
}
