/**
 * The gate of one controlled thread. Each shared access stops here, and whoever stands here with the baton decides
 * who moves next: itself (most of the time, at no cost but this function's), its own interrupt context (a nested
 * call, as on a processor), or another thread, to which the baton then goes.
 */
import { ACCESS, type AccessGate, type AccessKind, isWrite } from "../memory/scheduled-memory.ts";
import type { Turnstile } from "../memory/turnstile.ts";
import { SITE_COUNT, type Site } from "../wire/sites.ts";
import type { Actor, ActorPlan } from "./actors.ts";
import type { Dirt } from "./dirt.ts";
import { EXECUTION_ENDED } from "./execution-ended.ts";
import { MOVE, setMove, setPending, touching, wordKey } from "./pending.ts";
import { POLICIES } from "./policies/index.ts";
import type { Policy } from "./policies/policy.ts";
import { writeJournal } from "./races/journal.ts";
import { Repeats } from "./repeats.ts";
import type { Processor } from "./scenario.ts";
import { AREA, ENDED, lowest, MAX_DECISIONS, PHASE, WORD } from "./state.ts";
import type { Recorder } from "./trace.ts";

/** Of the module's own: the engine loads imported constants at each use. */
const AT = WORD;
const NOT_BLOCKED = -1;
/** The number of guest RAM among the shared memories. */
export const RAM = 1;

export class Gate implements AccessGate {
  /** The actor whose code runs on this thread now. */
  actor: number;
  /** Set when this thread ended the execution, and so holds the baton out of turn. */
  endedHere = false;
  processor: Processor | undefined;
  /** Called after an access at a site: an oracle's look. Empty costs nothing. */
  readonly watchers: (((offset: number, value: number) => void) | undefined)[] = new Array(SITE_COUNT).fill(
    undefined,
  );
  /** Called after an access to guest RAM. */
  ramWatcher: ((kind: AccessKind) => void) | undefined;
  recorder: Recorder | undefined;
  dirt: Dirt | undefined;
  /** Does what a spurious move of this actor does to the control page. */
  disturb: ((actor: number) => void) | undefined;
  private readonly turnstile: Turnstile;
  private readonly words: Int32Array;
  private readonly thread: number;
  private readonly plan: ActorPlan;
  /** Pending looks of all threads' processors, by interrupt actor. */
  private readonly pending: readonly (() => boolean)[];
  private readonly interruptActors: readonly Actor[];
  private readonly own: Actor | undefined;
  private readonly firstEvent: number;
  private readonly spurious: number;
  private policy: Policy = POLICIES[0] as Policy;
  /** The access that stands at the gate. */
  private memory = 0;
  private offset = 0;
  private site: Site = 0;
  private kind: AccessKind = ACCESS.read;
  private bytes = 0;
  private readonly repeats = new Repeats();

  constructor(turnstile: Turnstile, thread: number, plan: ActorPlan, pending: readonly (() => boolean)[]) {
    this.turnstile = turnstile;
    this.words = turnstile.words;
    this.thread = thread;
    this.plan = plan;
    this.pending = pending;
    this.interruptActors = plan.interrupts.filter((actor) => actor !== undefined);
    this.own = plan.interrupts[thread];
    this.firstEvent = plan.firstEvent;
    this.spurious = plan.spurious;
    this.actor = thread;
  }

  /** Before each execution, on every thread. */
  reset(): void {
    this.actor = this.thread;
    this.endedHere = false;
    this.repeats.forget();
    this.watchers.fill(undefined);
    this.ramWatcher = undefined;
    this.policy = POLICIES[this.words[AT.policy] as number] as Policy;
  }

  before(memory: number, offset: number, bytes: number, site: Site, kind: AccessKind): void {
    const words = this.words;
    this.memory = memory;
    this.offset = offset;
    this.bytes = bytes;
    this.site = site;
    this.kind = kind;
    const writes = isWrite(kind);
    if (writes) this.dirt?.mark(memory, offset, bytes);
    if (words[AT.phase] !== PHASE.explore) {
      if (words[AT.ended] !== ENDED.no && words[AT.phase] !== PHASE.outside) throw EXECUTION_ENDED;
      return;
    }
    if (words[AT.ended] !== ENDED.no) throw EXECUTION_ENDED;
    if (this.policy.everyStep) this.announce();
    if (writes) this.repeats.forget();
    else if (this.repeats.tooMany(this.place())) {
      this.announce();
      this.park();
      return;
    }
    const step = (words[AT.step] as number) + 1;
    words[AT.step] = step;
    words[AT.alone] = (words[AT.alone] as number) + 1;
    if (step > (words[AT.stepsMax] as number)) this.end(ENDED.steps);
    this.decide();
  }

  after(value: number, before: number): void {
    const words = this.words;
    if (words[AT.phase] === PHASE.outside) return;
    if (isWrite(this.kind)) {
      const parked = words[AT.parked] as number;
      if (parked !== 0) {
        const touched = touching(words, parked, this.memory, this.offset, this.bytes);
        this.unpark(touched | (words[AT.circling] as number));
      }
    } else this.repeats.read(this.place(), value);
    this.journal(this.kind, this.memory, this.offset, value);
    if (words[AT.phase] !== PHASE.explore) return;
    let hash = words[AT.hash] as number;
    hash = Math.imul(hash ^ (value + (this.site << 24)), 0x01000193);
    words[AT.hash] = Math.imul(hash ^ (this.offset + (this.actor << 20)), 0x01000193);
    this.recorder?.access(
      this.actor,
      this.memory,
      this.offset,
      this.bytes,
      this.site,
      this.kind,
      value,
      before,
    );
    const watcher = this.watchers[this.site];
    if (watcher !== undefined) watcher(this.offset, value);
    if (this.ramWatcher !== undefined && this.memory === RAM) this.ramWatcher(this.kind);
  }

  becomes(kind: AccessKind): void {
    this.kind = kind;
  }

  block(memory: number, offset: number): void {
    const words = this.words;
    const token = 1 << this.actor;
    if (((words[AT.tokens] as number) & token) !== 0) {
      words[AT.tokens] = (words[AT.tokens] as number) & ~token;
      return;
    }
    words[AT.enabled] = (words[AT.enabled] as number) & ~token;
    words[AREA.blockedOn + this.actor] = wordKey(memory, offset);
    this.recorder?.note(this.actor, "blocked");
    setPending(words, this.actor, memory, offset, 4, MOVE.resume, this.site);
    this.decide();
    this.journal(MOVE.resume, memory, offset, 0);
    this.repeats.restart();
  }

  wake(memory: number, offset: number): number {
    const words = this.words;
    if (words[AT.phase] === PHASE.outside) return 0;
    const key = wordKey(memory, offset);
    let woken = 0;
    for (let id = 0; id < this.firstEvent; id++) {
      if (words[AREA.blockedOn + id] !== key) continue;
      this.ready(id);
      woken++;
    }
    return woken;
  }

  /** The actor has nothing more to do. Returns when the execution is over. */
  finish(): void {
    const words = this.words;
    words[AT.enabled] = (words[AT.enabled] as number) & ~(1 << this.actor);
    this.recorder?.note(this.actor, "done");
    this.decide();
  }

  /** The exploration begins: from here on the policy decides. */
  begin(): void {
    const words = this.words;
    words[AT.phase] = PHASE.explore;
    for (let actor = this.firstEvent; actor < this.plan.actors.length; actor++) {
      words[AT.enabled] = (words[AT.enabled] as number) | (1 << actor);
      setMove(words, actor, MOVE.event);
    }
    for (const { id } of this.interruptActors) setMove(words, id, MOVE.deliver);
  }

  /** A free choice of the scenario's. */
  draw(limit: number): number {
    if (limit <= 1) return 0;
    const words = this.words;
    const drawn = this.policy.draw(words, limit);
    words[AT.draws] = (words[AT.draws] as number) + 1;
    this.log(drawn);
    this.recorder?.draw(this.actor, drawn, limit);
    return drawn;
  }

  /** Ends the execution here and now. */
  end(how: number): never {
    this.words[AT.ended] = how;
    this.endedHere = true;
    throw EXECUTION_ENDED;
  }

  /** Writes down what this actor will do when it moves next. */
  private announce(): void {
    setPending(this.words, this.actor, this.memory, this.offset, this.bytes, this.kind, this.site);
  }

  /** Chooses until it is this thread's turn in its present role. */
  private decide(): void {
    const words = this.words;
    for (;;) {
      const enabled = this.movable();
      if ((enabled & ~this.spurious) === 0) this.end(ENDED.quiescent);
      const alone = (enabled & (enabled - 1)) === 0 && !this.policy.everyStep;
      const next = alone ? lowest(enabled) : this.choose(enabled);
      if (next === this.actor) return;
      if (next >= this.firstEvent) {
        this.fire(next);
        continue;
      }
      if ((this.plan.actors[next] as Actor).thread === this.thread) {
        this.interrupt(next);
        continue;
      }
      this.handOver(next);
      if (words[AT.ended] !== ENDED.no) throw EXECUTION_ENDED;
      const role = words[AT.chosen] as number;
      if (role === this.actor) return;
      this.interrupt(role);
    }
  }

  private choose(enabled: number): number {
    const words = this.words;
    const { actor } = this;
    const stays = (enabled & (1 << actor)) !== 0;
    const favoured = words[AT.favoured] as number;
    const fallback =
      favoured >= 0 && (enabled & (1 << favoured)) !== 0 ? favoured : stays ? actor : lowest(enabled);
    if (words[AT.phase] !== PHASE.explore) return fallback;
    words[AT.lastSite] = this.site;
    if (words[AT.record] !== 0) {
      const at = AREA.occurrences + actor * SITE_COUNT + this.site;
      words[at] = (words[at] as number) + 1;
    }
    const next = this.policy.choose(words, enabled, actor, fallback);
    if (next < 0) this.end(ENDED.pruned);
    this.log(next);
    if (stays && next !== actor) words[AT.preemptions] = (words[AT.preemptions] as number) + 1;
    this.recorder?.decided(actor, this.site, next, fallback);
    return next;
  }

  private movable(): number {
    const words = this.words;
    const own = this.own;
    if (own !== undefined && this.actor === this.thread) {
      const bit = 1 << own.id;
      const accepts =
        words[AREA.blockedOn + this.actor] === NOT_BLOCKED &&
        this.processor !== undefined &&
        this.processor.accepts();
      words[AT.accepting] = accepts
        ? (words[AT.accepting] as number) | bit
        : (words[AT.accepting] as number) & ~bit;
    }
    let enabled = words[AT.enabled] as number;
    if (words[AT.accepting] !== 0 && words[AT.phase] === PHASE.explore) {
      for (const { id } of this.interruptActors) {
        const bit = 1 << id;
        if (((words[AT.accepting] as number) & bit) !== 0 && this.pending[id]?.()) enabled |= bit;
      }
    }
    if ((enabled & ~this.spurious) === 0 && words[AT.parked] !== 0) {
      this.unpark(words[AT.parked] as number);
      enabled = words[AT.enabled] as number;
    }
    return enabled;
  }

  private handOver(next: number): void {
    const words = this.words;
    words[AT.chosen] = next;
    words[AT.alone] = 0;
    words[AT.switches] = (words[AT.switches] as number) + 1;
    const from = this.site;
    this.turnstile.pass((this.plan.actors[next] as Actor).thread);
    this.turnstile.await(this.thread);
    // This thread's last site, and the one it stands at now that others have moved.
    const pair = from * SITE_COUNT + (words[AT.lastSite] as number);
    const at = AREA.coverage + (pair >>> 5);
    words[at] = (words[at] as number) | (1 << (pair & 31));
  }

  /** Runs the processor's pending interrupts on top of what this thread is doing. */
  private interrupt(role: number): void {
    const words = this.words;
    const base = this.actor;
    const { processor } = this;
    if (processor === undefined) throw new Error("an interrupt for a thread without a processor");
    const [memory, offset, bytes, site, kind] = [this.memory, this.offset, this.bytes, this.site, this.kind];
    const bit = 1 << base;
    const enabled = words[AT.enabled] as number;
    // A base that has ended stays so; one that spins looks again.
    const resumes = (enabled | (words[AT.parked] as number)) & bit;
    words[AT.accepting] = (words[AT.accepting] as number) & ~(1 << role);
    words[AT.parked] = (words[AT.parked] as number) & ~bit;
    words[AT.circling] = (words[AT.circling] as number) & ~bit;
    words[AT.enabled] = (enabled & ~bit) | (1 << role);
    this.actor = role;
    this.repeats.forget();
    this.recorder?.note(role, "interrupt");
    processor.interrupt();
    setMove(words, role, MOVE.deliver);
    this.actor = base;
    words[AT.enabled] = ((words[AT.enabled] as number) & ~(1 << role)) | resumes;
    [this.memory, this.offset, this.bytes, this.site, this.kind] = [memory, offset, bytes, site, kind];
    this.repeats.forget();
  }

  private fire(event: number): void {
    const words = this.words;
    if (((this.spurious >>> event) & 1) !== 0) this.disturbed(event);
    else {
      words[AT.enabled] = (words[AT.enabled] as number) & ~(1 << event);
      words[AT.fired] = (words[AT.fired] as number) | (1 << event);
      this.recorder?.note(event, "event");
    }
    // Whoever sleeps is woken, as by a message on its control port; a wait promises nothing about its word. Whoever is
    // on its way to sleep will not.
    const { thread } = this.plan.actors[event] as Actor;
    if (words[AREA.blockedOn + thread] !== NOT_BLOCKED) this.ready(thread);
    else words[AT.tokens] = (words[AT.tokens] as number) | (1 << thread);
  }

  private disturbed(actor: number): void {
    const words = this.words;
    const left = (words[AT.spurious] as number) - 1;
    words[AT.spurious] = left;
    if (left === 0) words[AT.enabled] = (words[AT.enabled] as number) & ~this.spurious;
    this.recorder?.note(actor, "spurious");
    this.disturb?.(actor);
    this.unpark(words[AT.parked] as number);
  }

  private ready(actor: number): void {
    this.words[AREA.blockedOn + actor] = NOT_BLOCKED;
    this.words[AT.enabled] = (this.words[AT.enabled] as number) | (1 << actor);
  }

  /** Out of the way until somebody writes what it reads. */
  private park(): void {
    const words = this.words;
    const bit = 1 << this.actor;
    this.repeats.restart();
    words[AT.step] = (words[AT.step] as number) + 1;
    if ((words[AT.step] as number) > (words[AT.stepsMax] as number)) this.end(ENDED.steps);
    words[AT.enabled] = (words[AT.enabled] as number) & ~bit;
    words[AT.parked] = (words[AT.parked] as number) | bit;
    // Whatever is written may be among what it reads.
    if (this.repeats.turn > 1) words[AT.circling] = (words[AT.circling] as number) | bit;
    this.recorder?.note(this.actor, "spins");
    this.decide();
  }

  private unpark(actors: number): void {
    const words = this.words;
    words[AT.enabled] = (words[AT.enabled] as number) | actors;
    words[AT.parked] = (words[AT.parked] as number) & ~actors;
    words[AT.circling] = (words[AT.circling] as number) & ~actors;
  }

  private journal(kind: number, memory: number, offset: number, value: number): void {
    if ((this.words[AT.journal] as number) < 0) return;
    writeJournal(this.words, this.thread, kind, memory, offset, this.bytes, this.site, value);
  }

  private log(choice: number): void {
    const words = this.words;
    const at = words[AT.decisions] as number;
    if (at < MAX_DECISIONS) words[AREA.log + at] = choice;
    words[AT.decisions] = at + 1;
  }

  /** Of an access, in 32 bits: 16 MB are told apart. */
  private place(): number {
    return (this.offset << 8) ^ (this.memory << 7) ^ this.site;
  }
}
