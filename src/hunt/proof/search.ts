/**
 * Dynamic partial-order reduction with source sets and sleep sets (Abdulla, Aronsson, Jonsson, Sagonas 2014), stateless:
 * one execution at a time. After each, the races between its steps say where another order could matter; there
 * another actor is put into the backtrack set of that place. Plain depth-first search is the same with every actor in
 * every set from the start, and no sleep.
 *
 * A thread at an access with an interrupt pending has two ways to go on (take it or not); a draw has as many as it
 * has options. Those are the same process's choices, so they do not commute and are all explored.
 */
import { AREA, countBits, ENDED, lowest, STEP_WORDS, WORD } from "../state.ts";
import { dependent, type Step } from "./dependence.ts";
import { DRAW, type Processes, readStep } from "./steps.ts";

/** A place of the tree, on the way to the execution that comes next. */
export interface Place {
  /** Of actors, or of a draw's options: those there are, those to explore, those explored, and the present one. */
  readonly enabled: number;
  backtrack: number;
  done: number;
  chosen: number;
  /** Actors that need not move here. */
  readonly sleep: number;
  readonly draw: boolean;
}

/** What a search has still to do, and where: the path to the next execution. */
export interface Subtree {
  /** So many places of the path are not the search's own: what should be explored there it only says. */
  readonly frozen: number;
  readonly path: readonly Place[];
}

export const WHOLE_TREE: Subtree = { frozen: 0, path: [] };

/** At place `at`, one of the actors `among` must be explored too. */
export interface Wanted {
  readonly at: number;
  readonly among: number;
}

/** What a batch of executions leaves behind. */
export interface Searched {
  readonly classes: readonly number[];
  readonly rest: readonly Place[];
  readonly wanted: readonly Wanted[];
}

export const NOTHING_SEARCHED: Searched = { classes: [], rest: [], wanted: [] };

/** What is still to be explored at a place. */
export const branchesLeft = ({ backtrack, done, sleep, draw }: Omit<Place, "chosen">): number =>
  backtrack & ~done & ~(draw ? 0 : sleep);

interface Node extends Place {
  /** undefined: a draw, or not executed yet. */
  step: Step | undefined;
  /** Which step of its process this is, from 1. */
  number: number;
  /** What is ordered before the step, and itself: by process, the number of its last such step. */
  clock: number[];
}

/** Draws have at most this many options under a systematic search. */
const DRAW_MAX = 30;

export class Search {
  exhausted = false;
  /** Complete executions, by which steps are ordered before which: equal where only commuting steps changed places. */
  readonly classes = new Set<number>();
  readonly #processes: Processes;
  readonly #reduce: boolean;
  readonly #frozen: number;
  readonly #path: Node[];
  readonly #wanted = new Map<string, Wanted>();
  /** Where the next execution leaves what is known. */
  #branch = 0;

  constructor(processes: Processes, reduce: boolean, { frozen, path }: Subtree = WHOLE_TREE) {
    this.#processes = processes;
    this.#reduce = reduce;
    this.#frozen = frozen;
    this.#path = path.map((place) => ({ ...place, step: undefined, number: 0, clock: [] }));
  }

  /** What is left: a search that begins there goes on where this one is. Its own places only. */
  get rest(): readonly Place[] {
    return this.#path
      .slice(this.#frozen)
      .map(({ step: _, number: __, clock: ___, ...place }): Place => place);
  }

  /** What should be explored at places that are not the search's own. */
  get wanted(): readonly Wanted[] {
    return [...this.#wanted.values()];
  }

  /** Writes the prefix of the next execution into the shared words; the first one has none. */
  begin(words: Int32Array): void {
    const last = this.#path.at(-1);
    words.set(
      this.#path.map(({ chosen }) => chosen),
      AREA.input,
    );
    words[WORD.inputLength] = this.#path.length;
    const explored = last === undefined || last.draw ? 0 : last.done & ~(1 << last.chosen);
    words[WORD.sleepAtBranch] = this.#reduce && last !== undefined ? last.sleep | explored : 0;
  }

  /** An execution has ended: learn from it, and choose where the next one branches off. */
  advance(words: Int32Array): void {
    this.#read(words);
    for (let index = this.#branch; index < this.#path.length; index++) this.#order(index);
    if (words[WORD.ended] !== ENDED.pruned) this.classes.add(this.#classOf());
    this.#back();
    this.#branch = Math.max(0, this.#path.length - 1);
    this.exhausted = this.#path.length === this.#frozen;
  }

  /** How much of the tree, as known now, lies behind: each place's share divided among its branches. */
  get share(): number {
    let share = 0;
    let weight = 1;
    for (const { backtrack, done } of this.#path.slice(this.#frozen)) {
      const branches = Math.max(1, countBits(backtrack));
      weight /= branches;
      share += weight * Math.max(0, countBits(done) - 1);
    }
    return this.exhausted ? 1 : share;
  }

  /** Takes the execution's steps into the path, from the one where it left the last execution. */
  #read(words: Int32Array): void {
    const length = words[WORD.steps] as number;
    const known = this.#path.length;
    for (let index = this.#branch; index < length; index++) {
      const node = this.#node(words, index, AREA.steps + index * STEP_WORDS);
      const place = index < known ? this.#path[index] : undefined;
      if (place === undefined) this.#path[index] = node;
      else place.step = node.step;
      // What its process may do instead.
      if (index === known - 1) this.#want(index, node.backtrack & ~(place?.backtrack ?? 0));
    }
    this.#path.length = length;
  }

  /** Each of the actors, at a place. */
  #want(at: number, actors: number): void {
    for (let rest = actors; rest !== 0; rest &= rest - 1) this.#wantOne(at, 1 << lowest(rest));
  }

  /** One of the actors. */
  #wantOne(at: number, among: number): void {
    const place = this.#path[at];
    if (place === undefined || (among & place.backtrack) !== 0) return;
    if (at >= this.#frozen) place.backtrack |= 1 << lowest(among);
    else this.#wanted.set(`${at}/${among}`, { at, among });
  }

  #node(words: Int32Array, index: number, at: number): Node {
    const isDraw = words[at] === DRAW;
    const sleep = words[at + 2] as number;
    if (isDraw) {
      const options = words[at + 1] as number;
      if (options > DRAW_MAX) throw new RangeError(`a draw among ${options}: too many to explore them all`);
      const all = 2 ** options - 1;
      const chosen = words[at + 3] as number;
      return {
        step: undefined,
        enabled: all,
        backtrack: all,
        done: 1 << chosen,
        chosen,
        sleep,
        draw: true,
        number: 0,
        clock: [],
      };
    }
    const step = readStep(words, index, this.#processes);
    const enabled = words[at + 1] as number;
    const backtrack = this.#reduce ? enabled & this.#ofProcess(step.process) : enabled;
    return {
      step,
      enabled,
      backtrack,
      done: 1 << step.actor,
      chosen: step.actor,
      sleep,
      draw: false,
      number: 0,
      clock: [],
    };
  }

  #ofProcess(process: number): number {
    let mask = 0;
    this.#processes.process.forEach((own, actor) => {
      if (own === process) mask |= 1 << actor;
    });
    return mask;
  }

  /** Finds what is ordered before a step, and reverses its races. */
  #order(index: number): void {
    const node = this.#path[index];
    if (node?.step === undefined) return;
    const { step } = node;
    const clock: number[] = [];
    for (let before = index - 1; before >= 0; before--) {
      const other = this.#path[before];
      if (other?.step === undefined) continue;
      const { process } = other.step;
      if ((clock[process] ?? 0) >= other.number || !dependent(other.step, step)) continue;
      if (process !== step.process && this.#reduce) this.#reverse(before, index);
      joinClock(clock, other.clock);
    }
    node.number = (clock[step.process] ?? 0) + 1;
    clock[step.process] = node.number;
    node.clock = clock;
  }

  /**
   * The steps `first` and `second` race. What came between them without depending on `first` can come before it, and
   * then `second`: one of the actors that may begin that must be explored in the place of `first`.
   */
  #reverse(first: number, second: number): void {
    const place = this.#path[first];
    const process = place?.step?.process;
    if (place === undefined || process === undefined) return;
    let initials = 0;
    const between: Node[] = [];
    for (let index = first + 1; index <= second; index++) {
      const node = this.#path[index];
      if (node?.step === undefined) continue;
      const follows = index < second && (node.clock[process] ?? 0) >= place.number;
      if (follows) continue;
      const { step } = node;
      const led = between.some((earlier) => earlier.step !== undefined && dependent(earlier.step, step));
      between.push(node);
      if (!led) initials |= 1 << step.actor;
    }
    const possible = initials & place.enabled;
    if (possible !== 0) this.#wantOne(first, possible);
  }

  /**
   * The sum over all steps does not depend on their order; each one says what it is and what came before it, a draw
   * which step it followed.
   */
  #classOf(): number {
    let sum = 0;
    let last: Node | undefined;
    let draws = 0;
    for (const node of this.#path) {
      const { step, chosen, clock, number } = node;
      draws = step === undefined ? draws + 1 : 0;
      if (step !== undefined) last = node;
      const facts = step === undefined ? [-draws, chosen] : [step.kind, step.offset];
      let hash = 0x811c_9dc5;
      for (const part of [last?.chosen ?? -1, last?.number ?? 0, ...facts]) hash = mix(hash, part);
      clock.forEach((known, process) => {
        hash = mix(hash, known * 32 + process);
      });
      sum = (sum + (hash >>> 0) * ((number % 1024) + 1)) % 2 ** 52;
    }
    return sum;
  }

  /** To the deepest place with a branch left, and onto it. */
  #back(): void {
    while (this.#path.length > this.#frozen) {
      const node = this.#path.at(-1) as Node;
      const left = branchesLeft(node);
      if (left !== 0) {
        node.chosen = lowest(left);
        node.done |= 1 << node.chosen;
        return;
      }
      this.#path.pop();
    }
  }
}

/** A number that most likely differs where the numbers given differ. */
const mix = (hash: number, value: number): number => Math.imul(hash ^ value, 0x0100_0193) ^ (hash >>> 13);

function joinClock(into: number[], other: readonly number[]): void {
  other.forEach((value, process) => {
    if (value > (into[process] ?? 0)) into[process] = value;
  });
}
