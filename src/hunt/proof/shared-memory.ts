/**
 * Scenarios of anyone's own shared-memory code: functions that run on controlled threads, over words that look like an
 * Int32Array and an object that looks like the language's own atomics. Keep the scenario in a module of its own, for the
 * threads load it.
 */
import type { ScheduledMemory } from "../../memory/scheduled-memory.ts";
import type { WaitResult } from "../../memory/shared-memory.ts";
import { defineScenario, type Scenario, type ThreadContext } from "../scenario.ts";

/** Atomic operations on words by index, sequentially consistent. */
export interface WordAtomics {
  load(words: Int32Array, index: number): number;
  store(words: Int32Array, index: number, value: number): number;
  add(words: Int32Array, index: number, value: number): number;
  sub(words: Int32Array, index: number, value: number): number;
  and(words: Int32Array, index: number, value: number): number;
  or(words: Int32Array, index: number, value: number): number;
  xor(words: Int32Array, index: number, value: number): number;
  exchange(words: Int32Array, index: number, value: number): number;
  compareExchange(words: Int32Array, index: number, expected: number, value: number): number;
  /** A time-out never ends a wait: time stands still. */
  wait(words: Int32Array, index: number, expected: number): WaitResult;
  notify(words: Int32Array, index: number): number;
}

/** What a thread's function is given. */
export interface SharedWords {
  /** Plain accesses by index; nothing else of an Int32Array works. */
  readonly words: Int32Array;
  readonly atomics: WordAtomics;
  /** Something is wrong: ends the execution. */
  fail(text: string): never;
}

export interface SharedProgram {
  readonly name: string;
  readonly summary?: string;
  readonly words: number;
  /** At least two, each run once per execution. */
  readonly threads: Readonly<Record<string, (shared: SharedWords) => void>>;
  /** After everybody has ended, or sleeps: throw or return what is wrong with the words. */
  readonly check?: (words: readonly number[]) => string | undefined;
}

export function sharedMemory(program: SharedProgram): Scenario {
  const names = Object.keys(program.threads);
  if (names.length < 2)
    throw new RangeError(`${program.name}: threads: expected at least 2, got ${names.length}`);
  if (!(program.words >= 1 && program.words <= WORDS_MAX)) {
    throw new RangeError(`${program.name}: words: expected 1 to ${WORDS_MAX}, got ${program.words}`);
  }
  const threads = Object.entries(program.threads).map(([name, body], index) => [
    name,
    (context: ThreadContext) => ({
      run() {
        if (index === 0) context.begin();
        body(sharedWords(context, program.words));
      },
      judge(ending: string, report: (oracle: string, text: string) => void) {
        if (index > 0 || ending !== "quiescent") return;
        const words = Array.from({ length: program.words }, (_, at) => context.quietRam.peek32(4 * at) | 0);
        const wrong = program.check?.(words);
        if (wrong !== undefined) report("check", wrong);
      },
    }),
  ]);
  return defineScenario({
    name: program.name,
    summary: program.summary ?? program.name,
    threads: Object.fromEntries(threads),
  });
}

const WORDS_MAX = 4096;

function sharedWords(context: ThreadContext, length: number): SharedWords {
  const memory = context.quietRam;
  const at = (index: number): number => {
    if (Number.isInteger(index) && index >= 0 && index < length) return 4 * index;
    throw new RangeError(`word ${index} of ${length}`);
  };
  return {
    words: plainWords(memory, at, length),
    atomics: wordAtomics(memory, at),
    fail: (text) => context.fail("check", text),
  };
}

function plainWords(memory: ScheduledMemory, at: (index: number) => number, length: number): Int32Array {
  return new Proxy([] as unknown as Int32Array, {
    get(_, key) {
      if (key === "length") return length;
      return memory.read32(at(Number(String(key))), 0) | 0;
    },
    set(_, key, value: number) {
      memory.write32(at(Number(String(key))), value | 0, 0);
      return true;
    },
  });
}

function wordAtomics(memory: ScheduledMemory, at: (index: number) => number): WordAtomics {
  const update = (index: number, change: (before: number) => number): number =>
    memory.update32(at(index), (before) => change(before | 0) >>> 0, 0) | 0;
  return {
    load: (_, index) => memory.load32(at(index), 0) | 0,
    store(_, index, value) {
      memory.store32(at(index), value | 0, 0);
      return value;
    },
    add: (_, index, value) => update(index, (before) => before + value),
    sub: (_, index, value) => update(index, (before) => before - value),
    and: (_, index, value) => update(index, (before) => before & value),
    or: (_, index, value) => update(index, (before) => before | value),
    xor: (_, index, value) => update(index, (before) => before ^ value),
    exchange: (_, index, value) => update(index, () => value),
    compareExchange: (_, index, expected, value) =>
      update(index, (before) => (before === expected ? value : before)),
    wait: (_, index, expected) => memory.wait32(at(index), expected, Number.POSITIVE_INFINITY, 0),
    notify: (_, index) => memory.notify32(at(index), 0),
  };
}
