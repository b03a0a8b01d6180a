/**
 * Litmus lectures: small shapes, the outcomes that are possible and why, and a twin with the mistake that people make.
 * The last words of each are its registers: what the outcome is read from.
 */

import { needEvent } from "../../wire/ring.ts";
import { type Shared, sharedMemory } from "../proof/shared-memory.ts";
import type { Scenario } from "../scenario.ts";
import type { Weakness } from "../weak/weak-memory.ts";

export type Grade = "fine" | "interesting" | "forbidden";

/** What a thread of a shape is given: under the explorer, and live. */
export type ShapeContext = Pick<Shared, "words" | "halves" | "atomics">;

/** A few threads and the words that they share; the outcome is read from the last of these. */
export interface Shape {
  readonly name: string;
  readonly threads: Readonly<Record<string, (shared: ShapeContext) => void>>;
  readonly scenario: Scenario;
}

export interface Lecture {
  readonly number: number;
  readonly name: string;
  readonly says: string;
  readonly good: Shape;
  readonly twin: Shape;
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
/** Words that a shape has. */
export const SHAPE_WORDS = 4;
export const registers = (words: ArrayLike<number>): string => `a=${words[A]} b=${words[B]}`;

const shape = (name: string, threads: Shape["threads"]): Shape => ({
  name,
  threads,
  scenario: sharedMemory({ name, words: SHAPE_WORDS, threads, check: registers }),
});

const publish = (name: string, plain: boolean): Shape =>
  shape(name, {
    writer({ words, atomics }) {
      words[DATA] = 42;
      if (plain) words[FLAG] = 1;
      else atomics.store(words, FLAG, 1);
    },
    reader({ words, atomics }) {
      const seen = atomics.load(words, FLAG);
      words[A] = seen;
      words[B] = seen === 1 ? (words[DATA] ?? 0) : -1;
    },
  });

const dekker = (name: string, plain: boolean): Shape => {
  const side =
    (own: number, other: number, register: number) =>
    ({ words, atomics }: ShapeContext): void => {
      if (plain) words[own] = 1;
      else atomics.store(words, own, 1);
      words[register] = atomics.load(words, other);
    };
  return shape(name, { left: side(X, Y, A), right: side(Y, X, B) });
};

const sleep = (name: string, loops: boolean): Shape =>
  shape(name, {
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
  });

const count = (name: string, atomic: boolean): Shape => {
  const side = ({ words, atomics }: ShapeContext): void => {
    if (atomic) atomics.add(words, A, 1);
    else atomics.store(words, A, atomics.load(words, A) + 1);
  };
  return shape(name, { left: side, right: side });
};

/** The registers are what is left: the ISR, and whether the line is up. */
const acknowledge = (name: string, looksAgain: boolean): Shape =>
  shape(name, {
    device({ words, atomics }) {
      atomics.or(words, A, 1);
      atomics.store(words, B, 1);
    },
    guest({ words, atomics }) {
      atomics.exchange(words, A, 0);
      atomics.store(words, B, 0);
      if (looksAgain && atomics.load(words, A) !== 0) atomics.store(words, B, 1);
    },
  });

/** The event index begins at 0, and asks to be told of the entry behind the first 0. */
const eventIndex = (name: string, looksFirst: boolean): Shape =>
  shape(name, {
    driver({ words, atomics }) {
      atomics.store(words, X, 1);
      words[A] = needEvent(atomics.load(words, Y) - 1, 1, 0) ? 1 : 0;
    },
    device({ words, atomics }) {
      if (looksFirst) words[B] = atomics.load(words, X);
      atomics.store(words, Y, 1);
      if (!looksFirst) words[B] = atomics.load(words, X);
    },
  });

/** One word, seen whole: its two halves are the registers. */
const mixedSizes = (name: string, halved: boolean): Shape =>
  shape(name, {
    writer({ words, halves, atomics }) {
      if (halved) {
        atomics.store(halves, 2 * X, 1);
        atomics.store(halves, 2 * X + 1, 1);
      } else atomics.store(words, X, 0x1_0001);
    },
    reader({ words, atomics }) {
      const seen = atomics.load(words, X);
      words[A] = seen & 0xffff;
      words[B] = seen >>> 16;
    },
  });

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
  {
    number: 5,
    name: "acknowledge",
    says: "Clear the ISR, lower the line, and look at the ISR again: a bit set meanwhile raises the line once more.",
    good: acknowledge("litmus-acknowledge", true),
    twin: acknowledge("litmus-acknowledge-twin", false),
    mistake:
      "no second look: the line is lowered after the device has raised it for a bit that nobody has read",
    weak: [],
    outcomes: {
      "a=0 b=0": { grade: "fine", reason: "taken, and the line is down" },
      "a=1 b=1": { grade: "fine", reason: "not taken yet, and the line is up" },
      "a=0 b=1": {
        grade: "interesting",
        reason: "taken, and the line raised after that: an interrupt about nothing",
      },
      "a=1 b=0": { grade: "forbidden", reason: "not taken, and the line is down: the interrupt is lost" },
    },
  },
  {
    number: 6,
    name: "event index",
    says: "Say from which entry on you want to be told, then look for entries. Whoever asks last looks last.",
    good: eventIndex("litmus-event-index", false),
    twin: eventIndex("litmus-event-index-twin", true),
    mistake: "looks first and asks then: what is published in between is neither seen nor told",
    weak: [],
    outcomes: {
      "a=1 b=0": { grade: "fine", reason: "told" },
      "a=0 b=1": { grade: "fine", reason: "seen without being told" },
      "a=1 b=1": { grade: "interesting", reason: "seen, and told as well" },
      "a=0 b=0": { grade: "forbidden", reason: "neither seen nor told: asleep with work to do" },
    },
  },
  {
    number: 7,
    name: "mixed sizes",
    says: "A word is whole only if all who touch it touch all of it.",
    good: mixedSizes("litmus-mixed-sizes", false),
    twin: mixedSizes("litmus-mixed-sizes-twin", true),
    mistake: "two atomic halves are not an atomic word, and they race with whoever reads the word",
    weak: [],
    outcomes: {
      "a=0 b=0": { grade: "fine", reason: "before" },
      "a=1 b=1": { grade: "fine", reason: "after" },
      "a=1 b=0": { grade: "forbidden", reason: "one half new, the other old" },
    },
  },
];

export const LITMUS_SCENARIOS: readonly Scenario[] = LECTURES.flatMap(({ good, twin }) => [
  good.scenario,
  twin.scenario,
]);
