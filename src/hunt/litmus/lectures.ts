/**
 * Litmus lectures: small shapes, the outcomes that are possible and why, and a twin with the mistake that people make.
 * The last words of each are its registers: what the outcome is read from.
 */
import { sharedMemory } from "../proof/shared-memory.ts";
import type { Scenario } from "../scenario.ts";
import type { Weakness } from "../weak/weak-memory.ts";

export type Grade = "fine" | "interesting" | "forbidden";

export interface Lecture {
  readonly number: number;
  readonly name: string;
  readonly says: string;
  readonly good: Scenario;
  readonly twin: Scenario;
  /** What the twin does wrong, and the switch under which it shows; none: interleaving is enough. */
  readonly mistake: string;
  readonly weak: readonly Weakness[];
  readonly outcomes: Readonly<Record<string, { readonly grade: Grade; readonly reason: string }>>;
}

const DATA = 0;
const FLAG = 1;
const X = 0;
const Y = 1;
const A = 2;
const B = 3;
const registers = (words: readonly number[]): string => `a=${words[A]} b=${words[B]}`;

const publish = (name: string, plain: boolean): Scenario =>
  sharedMemory({
    name,
    words: 4,
    threads: {
      writer({ words, atomics }) {
        words[DATA] = 42;
        if (plain) words[FLAG] = 1;
        else atomics.store(words, FLAG, 1);
      },
      reader({ words, atomics }) {
        words[A] = atomics.load(words, FLAG);
        words[B] = words[A] === 1 ? (words[DATA] ?? 0) : -1;
      },
    },
    check: registers,
  });

const dekker = (name: string, plain: boolean): Scenario => {
  const side = (own: number, other: number, register: number) => {
    return ({
      words,
      atomics,
    }: Parameters<Parameters<typeof sharedMemory>[0]["threads"][string]>[0]): void => {
      if (plain) words[own] = 1;
      else atomics.store(words, own, 1);
      words[register] = atomics.load(words, other);
    };
  };
  return sharedMemory({
    name,
    words: 4,
    threads: { left: side(X, Y, A), right: side(Y, X, B) },
    check: registers,
  });
};

const sleep = (name: string, loops: boolean): Scenario =>
  sharedMemory({
    name,
    words: 4,
    threads: {
      sleeper({ words, atomics }) {
        if (loops) while (atomics.load(words, FLAG) === 0) atomics.wait(words, X, 0);
        else atomics.wait(words, X, 0);
        words[A] = 1;
        words[B] = atomics.load(words, FLAG);
      },
      /** A wake-up that is about something else. */
      neighbour({ words, atomics }) {
        atomics.notify(words, X);
      },
      waker({ words, atomics }) {
        atomics.store(words, FLAG, 1);
        atomics.store(words, X, 1);
        atomics.notify(words, X);
      },
    },
    check: registers,
  });

const count = (name: string, atomic: boolean): Scenario => {
  const side = ({
    words,
    atomics,
  }: Parameters<Parameters<typeof sharedMemory>[0]["threads"][string]>[0]): void => {
    if (atomic) atomics.add(words, A, 1);
    else atomics.store(words, A, atomics.load(words, A) + 1);
  };
  return sharedMemory({ name, words: 4, threads: { left: side, right: side }, check: registers });
};

export const LECTURES: readonly Lecture[] = [
  {
    number: 1,
    name: "publish",
    says: "Write the data, then publish a flag. Whoever sees the flag sees the data.",
    good: publish("litmus-publish", false),
    twin: publish("litmus-publish-twin", true),
    mistake: "the flag is stored plainly, so the data may come later",
    weak: ["store-buffer"],
    outcomes: {
      "a=0 b=-1": { grade: "fine", reason: "looked too early" },
      "a=1 b=42": { grade: "fine", reason: "the flag was seen, and so was the data" },
      "a=1 b=0": { grade: "forbidden", reason: "the flag was seen before the data" },
    },
  },
  {
    number: 2,
    name: "dekker",
    says: "Each says something, then looks at the other. At least one of two sees the other.",
    good: dekker("litmus-dekker", false),
    twin: dekker("litmus-dekker-twin", true),
    mistake: "plain stores may be late, and then both look too early",
    weak: ["store-buffer"],
    outcomes: {
      "a=0 b=1": { grade: "fine", reason: "left was first" },
      "a=1 b=0": { grade: "fine", reason: "right was first" },
      "a=1 b=1": { grade: "interesting", reason: "both spoke before either looked" },
      "a=0 b=0": { grade: "forbidden", reason: "neither saw the other: a kick or an interrupt is lost" },
    },
  },
  {
    number: 3,
    name: "sleep",
    says: "A wait that returns says nothing about why. Look again, in a loop.",
    good: sleep("litmus-sleep", true),
    twin: sleep("litmus-sleep-twin", false),
    mistake: "no loop around the wait: somebody else's wake-up is taken for one's own",
    weak: [],
    outcomes: {
      "a=1 b=1": { grade: "fine", reason: "awake, and the flag is up" },
      "a=1 b=0": { grade: "forbidden", reason: "awake, and nothing has happened" },
    },
  },
  {
    number: 4,
    name: "count",
    says: "An atomic load and an atomic store are not an atomic update.",
    good: count("litmus-count", true),
    twin: count("litmus-count-twin", false),
    mistake: "load, add, store: no race, and yet a count is lost (an ISR bit, for instance)",
    weak: [],
    outcomes: {
      "a=2 b=0": { grade: "fine", reason: "both counted" },
      "a=1 b=0": { grade: "forbidden", reason: "one count was lost" },
    },
  },
];

export const LITMUS_SCENARIOS: readonly Scenario[] = LECTURES.flatMap(({ good, twin }) => [good, twin]);
