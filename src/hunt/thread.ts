/**
 * One controlled thread: builds its side of a scenario, runs it, judges it, and begins again. The threads keep in step
 * by the baton alone. It goes up from thread 0 to judge and down again to build, so that the last thread has its two
 * turns in one, and the first goes on from building to running; in between it goes to whomever the scheduler chooses.
 * The last thread leads: it seeds each execution and decides when the batch is over.
 */
import type { SharedBuffer } from "../memory/attach.ts";
import type { ControlPlan } from "../memory/plan.ts";
import { Ram } from "../memory/ram.ts";
import { ScheduledMemory } from "../memory/scheduled-memory.ts";
import { Turnstile } from "../memory/turnstile.ts";
import type { Side } from "../monitor/moments.ts";
import { type SiteLabel, site } from "../wire/sites.ts";
import { type ActorPlan, actorsOf, controlPlanOf, processesOf } from "./actors.ts";
import { Dirt } from "./dirt.ts";
import { ExecutionEnded } from "./execution-ended.ts";
import { Gate, RAM } from "./gate.ts";
import { Leader } from "./leader.ts";
import { slotOf } from "./machine/layout.ts";
import { useProcesses } from "./policies/exhaust.ts";
import { NOTHING_SEARCHED, type Searched, type Subtree } from "./proof/search.ts";
import type { Justified, Race } from "./races/detector.ts";
import { judgeJournal } from "./races/journal.ts";
import { describeRace, raceKey } from "./races/report.ts";
import type { Ending, Scenario, ThreadContext, ThreadProgram } from "./scenario.ts";
import { disturber, type WordBits } from "./spurious.ts";
import { AREA, ENDED, PHASE, WORD } from "./state.ts";
import { StatementWatch } from "./statements.ts";
import { type Decision, type RecordedSwitch, Recorder, type TraceEntry } from "./trace.ts";
import { WeakMemory, type Weakness } from "./weak/weak-memory.ts";

export interface ThreadSetup {
  readonly thread: number;
  readonly state: SharedBuffer;
  readonly ram: SharedBuffer;
  readonly control: SharedBuffer;
  /** Plain accesses as weak as the language allows, and atomic ones made plain. */
  readonly weak?: WeakSetup;
}

export interface WeakSetup {
  readonly switches: readonly Weakness[];
  readonly demoted: readonly SiteLabel[];
}

export interface BatchRequest {
  readonly policy: string;
  readonly seed: number;
  /** Number of the first execution of the campaign to run, how many, and the stride from one to the next. */
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  readonly milliseconds: number;
  readonly stopAtFinding: boolean;
  readonly record: boolean;
  /** Hold each execution against the definition of a data race (O10). */
  readonly races: boolean;
  /** And against the specification's statements (O11). */
  readonly monitor: boolean;
  /** Note what orders plain accesses, too. */
  readonly justify: boolean;
  /** Go through everything, in classes of equivalent interleavings or one by one; or where another batch ended. */
  readonly search?: "reduced" | "plain" | "probe";
  readonly subtree?: Subtree;
  /** Whether a portfolio plays depth-first search, too. */
  readonly depthFirst: boolean;
  /** More threads hunt than there are cores: waiting threads must not spin. */
  readonly crowded: boolean;
}

export interface Finding {
  readonly execution: number;
  readonly thread: number;
  readonly oracle: string;
  readonly text: string;
  /** Of O10: the two accesses. */
  readonly race?: Race;
}

export interface BatchResult {
  readonly executions: number;
  readonly findings: readonly Finding[];
  /** Pairs of places, one of them plain, that something ordered. */
  readonly justified: readonly Justified[];
  /** The hash of the last execution's accesses. */
  readonly hash: number;
  /** Of a systematic search; of a probe, the schedules that there may be. */
  readonly searched: Searched;
  readonly schedules: number;
  readonly trace: {
    readonly entries: readonly TraceEntry[];
    readonly switches: readonly RecordedSwitch[];
    readonly draws: readonly { readonly order: number; readonly value: number }[];
    readonly decisions: readonly Decision[];
    readonly described: unknown;
    /** MUSTs of the specification that this thread was seen to break. */
    readonly statements: readonly string[];
  };
}

export { actorsOf, controlPlanOf } from "./actors.ts";

export class HuntThread {
  readonly #setup: ThreadSetup;
  readonly #scenario: Scenario;
  readonly #actors: ActorPlan;
  readonly #turnstile: Turnstile;
  readonly #words: Int32Array;
  readonly #gate: Gate;
  readonly #ram: ScheduledMemory;
  readonly #control: ScheduledMemory;
  readonly #context: ThreadContext;
  readonly #plan: ControlPlan;
  #watched: { readonly context: ThreadContext; readonly statements: StatementWatch } | undefined;
  /** The number of the last thread. */
  readonly #last: number;
  readonly #leader: Leader | undefined;
  readonly #weak: WeakMemory[] = [];
  readonly #knownRaces = new Set<string>();
  readonly #justified = new Map<string, Justified>();
  #justify = false;
  #findings: Finding[] = [];
  #program: ThreadProgram | undefined;

  constructor(setup: ThreadSetup, scenario: Scenario) {
    const plan = controlPlanOf(scenario);
    this.#setup = setup;
    this.#scenario = scenario;
    this.#plan = plan;
    this.#actors = actorsOf(scenario);
    this.#last = this.#actors.bases.length - 1;
    this.#turnstile = new Turnstile(setup.state);
    this.#words = this.#turnstile.words;
    const pending: (() => boolean)[] = [];
    this.#gate = new Gate(this.#turnstile, setup.thread, this.#actors, pending);
    this.#ram = this.#attach(setup.ram, RAM);
    this.#control = this.#attach(setup.control, 0);
    for (const actor of this.#actors.interrupts) {
      if (actor === undefined) continue;
      const cpu = Object.values(scenario.processors ?? {})[
        this.#actors.interrupts.filter(Boolean).indexOf(actor)
      ];
      const summary = plan.cpus[cpu ?? 0]?.summary ?? 0;
      this.#words[AREA.interruptWord + actor.id] = summary;
      pending[actor.id] = () => this.#control.peek32(summary) !== 0;
    }
    const processes = processesOf(this.#actors);
    useProcesses(processes);
    const dirt = new Dirt(this.#words, [this.#control, this.#ram]);
    this.#gate.dirt = dirt;
    const set = ({ offset, bits }: WordBits): void => {
      dirt.mark(0, offset, 4);
      this.#control.set(offset, bits);
    };
    this.#gate.disturb = disturber(scenario, this.#actors, plan, set);
    if (setup.thread === this.#last) {
      this.#leader = new Leader({
        scenario,
        actors: this.#actors,
        processes,
        turnstile: this.#turnstile,
        dirt,
      });
    }
    this.#context = this.#makeContext();
  }

  /** Waits for nothing but the scenario's own functions, where those are asynchronous. */
  async runBatch(request: BatchRequest): Promise<BatchResult> {
    const { thread } = this.#setup;
    const words = this.#words;
    const turnstile = this.#turnstile;
    const last = this.#last;
    const recorder = request.record ? new Recorder(words) : undefined;
    this.#gate.recorder = recorder;
    const watched = request.monitor || request.record ? this.#watch() : undefined;
    this.#findings = [];
    this.#knownRaces.clear();
    this.#justified.clear();
    this.#justify = request.justify;
    this.#leader?.beginBatch(request);
    let executions = 0;
    let described: unknown;
    for (; ; executions++) {
      if (thread !== last || executions === 0) turnstile.await(thread);
      this.#leader?.lead(executions);
      if (words[WORD.over] !== 0) break;
      this.#gate.reset();
      watched?.statements.reset();
      this.#build(watched?.context ?? this.#context);
      if (thread > 0) {
        turnstile.pass(thread - 1);
        turnstile.await(thread);
      }
      const running = this.#run();
      if (running !== undefined) await running;
      if (this.#gate.endedHere && thread > 0) {
        turnstile.pass(0);
        turnstile.await(thread);
      }
      words[WORD.phase] = PHASE.outside;
      this.#judge();
      if (request.monitor) this.#judgeStatements();
      if (request.record) described = this.#program?.describe?.();
      if (thread !== last) turnstile.pass(thread + 1);
    }
    turnstile.pass(thread > 0 ? thread - 1 : last);
    return {
      executions,
      findings: this.#findings,
      justified: [...this.#justified.values()],
      hash: words[WORD.hash] as number,
      searched: this.#leader?.searched ?? NOTHING_SEARCHED,
      schedules: executions === 0 ? 0 : (this.#leader?.schedules ?? 0) / executions,
      trace: {
        entries: recorder?.entries ?? [],
        switches: recorder?.switches ?? [],
        draws: recorder?.draws ?? [],
        decisions: recorder?.decisions ?? [],
        described,
        statements: watched?.statements.broken() ?? [],
      },
    };
  }

  #attach(buffer: SharedBuffer, id: number): ScheduledMemory {
    const { weak } = this.#setup;
    if (weak === undefined) return new ScheduledMemory(buffer, id, this.#gate);
    const draw = (limit: number): number =>
      this.#words[WORD.phase] === PHASE.explore ? this.#gate.draw(limit) : 0;
    const demoted = new Set(weak.demoted.map(site));
    const memory = new WeakMemory(buffer, id, this.#gate, {
      weak: new Set(weak.switches),
      demoted,
      own: this.#weak,
      draw,
    });
    this.#weak.push(memory);
    return memory;
  }

  #build(context: ThreadContext): void {
    this.#gate.processor = undefined;
    this.#program = undefined;
    try {
      const builder = Object.values(this.#scenario.threads)[this.#setup.thread];
      this.#program = builder?.(context);
      const processor = this.#program?.processor;
      if (processor !== undefined) this.#gate.processor = { ...processor, pending: () => false };
    } catch (error) {
      this.#crashed(error);
    }
    // Everybody has built.
    if (this.#setup.thread === 0) this.#words[WORD.phase] = PHASE.prologue;
  }

  /** A promise where the program's function is asynchronous: the thread keeps the baton while it waits for it. */
  #run(): Promise<void> | undefined {
    if (this.#words[WORD.ended] !== ENDED.no) return undefined;
    const finish = (): void => {
      this.#weak[0]?.release();
      this.#gate.finish();
    };
    try {
      for (const memory of this.#weak) memory.begin();
      const running = this.#program?.run();
      if (running instanceof Promise) return running.then(finish).catch((error) => this.#threw(error));
      finish();
    } catch (error) {
      this.#threw(error);
    }
    return undefined;
  }

  /** What ended a program: the execution's end, or a fault of its own. */
  #threw(error: unknown): void {
    const words = this.#words;
    if (error instanceof ExecutionEnded || words[WORD.ended] !== ENDED.no) return;
    words[WORD.ended] = ENDED.fault;
    this.#gate.endedHere = true;
    this.#crashed(error);
  }

  #judge(): void {
    const words = this.#words;
    const ended = words[WORD.ended];
    if (ended === ENDED.steps && this.#setup.thread === 0) {
      this.#report(
        "O9 bounded work",
        `no end after ${words[WORD.stepsMax]} accesses: somebody goes round in circles`,
      );
    }
    if (words[WORD.journal] !== -1 && this.#setup.thread === 0) this.#judgeRaces();
    if (ended === ENDED.fault) return;
    const ending: Ending = ended === ENDED.quiescent ? "quiescent" : "cut short";
    try {
      this.#program?.judge?.(ending, (oracle, text) => this.#report(oracle, text));
    } catch (error) {
      this.#crashed(error);
    }
  }

  #judgeStatements(): void {
    for (const text of this.#watched?.statements.broken() ?? []) this.#report("O11 statements", text);
  }

  /** Each race once in a batch: the first execution that shows it is the one to look at. */
  #judgeRaces(): void {
    const agents = this.#actors.bases.map(({ name }) => name);
    const { races, justified } = judgeJournal(this.#words, this.#justify);
    for (const [key, pair] of justified ?? []) this.#justified.set(key, pair);
    for (const race of races) {
      const key = raceKey(race);
      if (this.#knownRaces.has(key)) continue;
      this.#knownRaces.add(key);
      this.#report("O10 data race", describeRace(race, agents), race);
    }
  }

  #crashed(error: unknown): void {
    this.#report("exception", error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  #report(oracle: string, text: string, race?: Race): void {
    const words = this.#words;
    words[WORD.findings] = (words[WORD.findings] as number) + 1;
    // A campaign that goes on after a finding keeps the first of them.
    if (this.#findings.length < 100) {
      this.#findings.push({
        execution: words[WORD.execution] as number,
        thread: this.#setup.thread,
        oracle,
        text,
        ...(race !== undefined && { race }),
      });
    }
  }

  /** The same with a monitor that sees what the thread does. */
  #watch() {
    if (this.#watched === undefined) {
      const memories = { ram: this.#ram, control: this.#control };
      const statements = new StatementWatch(memories, this.#plan, (index) => slotOf(index));
      const { ram, control } = statements;
      const watchStatements = (side: Side) => statements.watch(side);
      this.#watched = { statements, context: { ...this.#context, ram, control, watchStatements } };
    }
    return this.#watched;
  }

  #makeContext(): ThreadContext {
    const gate = this.#gate;
    const words = this.#words;
    const events = new Map(
      this.#actors.actors.filter(({ kind }) => kind === "event").map(({ id, name }) => [name, 1 << id]),
    );
    return {
      ram: new Ram(this.#ram),
      control: this.#control,
      quietRam: this.#ram,
      plan: this.#plan,
      begin: () => gate.begin(),
      draw: (limit) => gate.draw(limit),
      takeEvent: (name) => {
        const bit = events.get(name) ?? 0;
        const fired = words[WORD.fired] as number;
        words[WORD.fired] = fired & ~bit;
        return (fired & bit) !== 0;
      },
      fail: (oracle, text) => {
        this.#report(oracle, text);
        return gate.end(ENDED.finding);
      },
      watch: (label, look) => {
        const first = gate.watchers[site(label)];
        gate.watchers[site(label)] =
          first === undefined
            ? look
            : (offset, value) => {
                first(offset, value);
                look(offset, value);
              };
      },
      watchRam: (look) => {
        gate.ramWatcher = look;
      },
    };
  }
}
