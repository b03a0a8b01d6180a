/**
 * Dynamic partial-order reduction with source sets and sleep sets (Abdulla, Aronsson, Jonsson, Sagonas 2014), stateless:
 * one execution at a time. After each, the races between its steps say where another order could matter; there
 * another actor is put into the backtrack set of that place. Plain depth-first search is the same with every actor in
 * every set from the start, and no sleep.
 *
 * A thread at an access with an interrupt pending has two ways to go on (take it or not); a draw has as many as it
 * has options. Those are the same process's choices, so they do not commute and are all explored.
 */
import { AREA, ENDED, STEP_WORDS, WORD } from "../state.ts";
import { dependent, type Step } from "./dependence.ts";
import { DRAW, type Processes, readStep } from "./steps.ts";

interface Node {
  /** undefined: a draw. */
  step: Step | undefined;
  /** Of actors, or of a draw's options: those there are, those to explore, those explored, and the present one. */
  readonly enabled: number;
  backtrack: number;
  done: number;
  chosen: number;
  /** Actors that need not move here. */
  readonly sleep: number;
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
  readonly #path: Node[] = [];

  constructor(processes: Processes, reduce: boolean) {
    this.#processes = processes;
    this.#reduce = reduce;
  }

  /** Writes the prefix of the next execution into the shared words; the first one has none. */
  begin(words: Int32Array): void {
    const last = this.#path.at(-1);
    words.set(
      this.#path.map(({ chosen }) => chosen),
      AREA.input,
    );
    words[WORD.inputLength] = this.#path.length;
    const explored = last?.step === undefined ? 0 : last.done & ~(1 << last.chosen);
    words[WORD.sleepAtBranch] = this.#reduce && last !== undefined ? last.sleep | explored : 0;
  }

  /** An execution has ended: learn from it, and choose where the next one branches off. */
  advance(words: Int32Array): void {
    const branch = Math.max(0, this.#path.length - 1);
    this.#read(words, branch);
    for (let index = branch; index < this.#path.length; index++) this.#order(index);
    if (words[WORD.ended] !== ENDED.pruned) this.classes.add(this.#classOf());
    this.#back();
    this.exhausted = this.#path.length === 0;
  }

  /** How much of the tree, as known now, lies behind: each place's share divided among its branches. */
  get share(): number {
    let share = 0;
    let weight = 1;
    for (const { backtrack, done } of this.#path) {
      const branches = Math.max(1, count(backtrack));
      weight /= branches;
      share += weight * Math.max(0, count(done) - 1);
    }
    return this.exhausted ? 1 : share;
  }

  /** Takes the execution's steps into the path, from the one where it left the last execution. */
  #read(words: Int32Array, branch: number): void {
    const length = words[WORD.steps] as number;
    const known = this.#path[branch];
    for (let index = branch; index < length; index++) {
      const at = AREA.steps + index * STEP_WORDS;
      const node = this.#node(words, index, at);
      if (index === branch && known !== undefined) {
        known.step = node.step;
        known.backtrack |= node.backtrack;
      } else this.#path[index] = node;
    }
    this.#path.length = length;
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
    if ((initials & place.backtrack) !== 0) return;
    const possible = initials & place.enabled;
    if (possible === 0) return;
    place.backtrack |= possible & -possible;
  }

  /** The sum over all steps does not depend on their order; each one says what it is and what came before it. */
  #classOf(): number {
    let sum = 0;
    this.#path.forEach(({ step, chosen, clock, number }, index) => {
      let hash = mix(0x811c_9dc5, step === undefined ? 64 * index + chosen : 0);
      if (step !== undefined) {
        for (const part of [step.actor, number, step.kind, step.offset]) hash = mix(hash, part);
        clock.forEach((known, process) => {
          hash = mix(hash, known * 32 + process);
        });
      }
      sum = (sum + (hash >>> 0) * ((number % 1024) + 1)) % 2 ** 52;
    });
    return sum;
  }

  /** To the deepest place with a branch left, and onto it. */
  #back(): void {
    for (let node = this.#path.at(-1); node !== undefined; node = this.#path.at(-1)) {
      const asleep = node.step === undefined ? 0 : node.sleep;
      const left = node.backtrack & ~node.done & ~asleep;
      if (left !== 0) {
        node.chosen = 31 - Math.clz32(left & -left);
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

function count(mask: number): number {
  let bits = 0;
  for (; mask !== 0; mask &= mask - 1) bits++;
  return bits;
}
