/**
 * Scenarios of anyone's own shared-memory code: functions that run on controlled threads, over memory that looks like
 * the language's own. Keep the scenario in a module of its own, for the threads load it.
 */
import {
  type AtomicOperations,
  allocated,
  closeArena,
  rewind,
  standInAtomics,
  standInWords,
  useArena,
} from "../../memory/stand-ins/index.ts";
import { defineScenario, type Scenario, type ThreadContext, type ThreadProgram } from "../scenario.ts";
import { callerFile } from "./caller.ts";

/** What a thread's function is given. */
export interface Shared<Made = unknown> {
  /** The program's `words`: shared by all threads. */
  readonly words: Int32Array;
  /** The same memory in 16-bit elements. */
  readonly halves: Uint16Array;
  /** `Atomics`; in a module that virtlab's threads load, the global one is the same. */
  readonly atomics: AtomicOperations;
  /** What `setup` returned on this thread. */
  readonly made: Made;
  /** Something is wrong: ends the execution. */
  fail(text: string): never;
}

export interface SharedProgram<Made = unknown> {
  readonly name: string;
  readonly summary?: string;
  /** 32-bit words that all threads share. More, and in other shapes, is made by `setup`. */
  readonly words?: number;
  /**
   * Runs on each thread before each execution, one thread after the other: makes the shared buffers and whatever
   * stands on them. The n-th buffer made is the same memory on every thread.
   */
  readonly setup?: () => Made;
  /** Room for all of it. Default 32 KiB. */
  readonly bytes?: number;
  /** At least two, each run once per execution. */
  readonly threads: Readonly<Record<string, (shared: Shared<Made>) => void | Promise<void>>>;
  /** After everybody has ended: return what is wrong. */
  readonly check?: (words: readonly number[], made: Made) => string | undefined;
  /** More accesses than this in one execution is a finding. Default 5000. */
  readonly stepsMax?: number;
}

const WORDS_MAX = 4096;
const BYTES_DEFAULT = 32_768;
const BYTES_MAX = 1 << 26;

export function sharedMemory<Made = undefined>(program: SharedProgram<Made>): Scenario {
  const { name, words = 0, bytes = BYTES_DEFAULT } = program;
  const names = Object.keys(program.threads);
  if (names.length < 2) throw new RangeError(`${name}: threads: expected at least 2, got ${names.length}`);
  if (words === 0 && program.setup === undefined) {
    throw new RangeError(`${name}: nothing is shared: give it \`words\`, or a \`setup\` that makes buffers`);
  }
  if (!(Number.isInteger(words) && words >= 0 && words <= WORDS_MAX)) {
    throw new RangeError(`${name}: words: expected 1 to ${WORDS_MAX}, got ${words}`);
  }
  if (!(Number.isInteger(bytes) && bytes >= 4 * words && bytes <= BYTES_MAX)) {
    throw new RangeError(`${name}: bytes: expected ${4 * words} to ${BYTES_MAX}, got ${bytes}`);
  }
  const threads = names.map((thread, index) => [
    thread,
    (context: ThreadContext) => threadOf(program, thread, index === 0, context),
  ]);
  return defineScenario({
    name,
    summary: program.summary ?? name,
    threads: Object.fromEntries(threads),
    ramBytes: 8 * Math.ceil(bytes / 8),
    ...(program.stepsMax !== undefined && { stepsMax: program.stepsMax }),
    file: callerFile(),
  });
}

/** Buffers that modules made while they loaded: every execution begins behind them. */
let loaded: number | undefined;

function threadOf<Made>(
  program: SharedProgram<Made>,
  name: string,
  first: boolean,
  context: ThreadContext,
): ThreadProgram {
  loaded ??= allocated();
  rewind(loaded);
  useArena(context.quietRam);
  const { words, halves } = standInWords(program.words ?? 0);
  const made = program.setup?.() as Made;
  const body = program.threads[name];
  let ended = false;
  return {
    run() {
      if (first) context.begin();
      closeArena();
      const running = body?.({
        words,
        halves,
        atomics: standInAtomics,
        made,
        fail: (text) => context.fail("check", text),
      });
      if (!(running instanceof Promise)) {
        ended = true;
        return;
      }
      return running.then(() => {
        ended = true;
      });
    },
    judge(ending, report) {
      if (ending !== "quiescent") return;
      if (!ended) report("O1 quiescence", `${name} sleeps, and nobody is left to wake it`);
      if (!first) return;
      const wrong = program.check?.(
        Array.from({ length: program.words ?? 0 }, (_, at) => words[at] ?? 0),
        made,
      );
      if (wrong !== undefined) report("check", wrong);
    },
  };
}
