/**
 * What the controlled threads share about the execution that runs: one block of words, read and written only by the
 * holder of the baton. A decision is therefore made inline by whoever stands at an access, without asking anybody.
 */
import { ACCESS_RECORD_WORDS } from "../memory/access-record.ts";
import { SITE_COUNT } from "../wire/sites.ts";

export const MAX_ACTORS = 16;
/** Accesses and draws of one execution that can be written down. */
export const MAX_DECISIONS = 16_384;

export const PHASE = {
  /** Objects are being made or judged: accesses are free. */
  outside: 0,
  /** Set-up inside the machine: actors move only when the running one blocks. */
  prologue: 1,
  explore: 2,
} as const;

export const ENDED = {
  no: 0,
  quiescent: 1,
  finding: 2,
  steps: 3,
  fault: 4,
  /** A systematic search has seen every way to go on from here. */
  pruned: 5,
} as const;

/** An access that stands at the gate: memory, offset, bytes, kind, site. */
export const PENDING_WORDS = 5;
/** A step of a systematic search; see `proof/steps.ts`. */
export const STEP_WORDS = 9;

/** Bits for the chunks of one shared memory. */
export const DIRT_WORDS = 64;

/** All of a search's tree, as `WORD.share` counts. */
export const SHARE_ALL = 1_000_000;

/** Single words. */
export const WORD = {
  phase: 0,
  ended: 1,
  /** The actor that was last chosen: how the receiver of the baton knows in which role. */
  chosen: 2,
  /** Accesses since the exploration began. */
  step: 3,
  /** Actors that may move, one bit each; interrupts are added when one is pending. */
  enabled: 4,
  /** Actors that read the same value again and again, until somebody writes. */
  parked: 5,
  /** Interrupt actors whose processor would take an interrupt now. */
  accepting: 6,
  fired: 7,
  random: 8,
  hash: 9,
  decisions: 10,
  policy: 11,
  execution: 12,
  stop: 13,
  lastSite: 14,
  record: 15,
  seed: 16,
  /** The longest execution so far: where PCT spreads its change points. */
  horizon: 17,
  switches: 18,
  preemptions: 19,
  /** Steps since anybody else moved. */
  alone: 20,
  inputLength: 21,
  inputAt: 22,
  /** Set when a policy has no execution left to try. */
  exhausted: 23,
  stepsMax: 24,
  /** Accesses of all executions of this batch. */
  accesses: 25,
  allSwitches: 26,
  /** Free choices drawn so far. */
  draws: 27,
  /** Entries recorded so far, over all threads. */
  recordOrder: 28,
  findings: 29,
  /** Executions of this batch, for whoever watches. */
  executions: 30,
  /** Threads that an event found awake: their next sleep ends at once. */
  tokens: 31,
  /** Events in the journal of this execution; negative: nobody reads it. */
  journal: 32,
  /** A systematic search: steps so far, actors that need not move now, and what to set them to where it branches. */
  steps: 33,
  sleep: 34,
  sleepAtBranch: 35,
  /** A systematic search beyond its prefix: 0 takes first options, 1 random ones. */
  probing: 36,
  /** How much of the tree is behind, in parts of SHARE_ALL; executions that the search cut short. */
  share: 37,
  prunedAll: 38,
  /** Of the parked actors, those that read several words in turn: any write lets them look again. */
  circling: 39,
  /** Set when the batch has ended. */
  over: 40,
  /** Spurious moves that the execution may still have. */
  spurious: 41,
  /** An actor that goes on whenever it can, where nothing else decides; -1: whoever moves goes on. */
  favoured: 42,
} as const;

const BLOCKED_ON = 48;
const PRIORITIES = BLOCKED_ON + MAX_ACTORS;
const SCRATCH = PRIORITIES + MAX_ACTORS;
const SCRATCH_WORDS = 64;
const OCCURRENCES = SCRATCH + SCRATCH_WORDS;
const LOG = OCCURRENCES + MAX_ACTORS * SITE_COUNT;
const INPUT = LOG + MAX_DECISIONS;
const STACK = INPUT + MAX_DECISIONS;
const COVERAGE = STACK + 2 * MAX_DECISIONS;
const COVERAGE_WORDS = Math.ceil((SITE_COUNT * SITE_COUNT) / 32);
const PENDING = COVERAGE + COVERAGE_WORDS;
const INTERRUPT_WORD = PENDING + MAX_ACTORS * PENDING_WORDS;
const STEPS = INTERRUPT_WORD + MAX_ACTORS;
const DIRT = STEPS + MAX_DECISIONS * STEP_WORDS;
const JOURNAL = DIRT + 2 * DIRT_WORDS;

/** Where the areas of the block begin. */
export const AREA = {
  blockedOn: BLOCKED_ON,
  priorities: PRIORITIES,
  scratch: SCRATCH,
  occurrences: OCCURRENCES,
  /** Every decision with more than one option and every draw, in order. */
  log: LOG,
  /** What a replay follows. */
  input: INPUT,
  /** The depth-first search's own, kept from execution to execution. */
  stack: STACK,
  /** One bit per ordered pair of sites between which the baton changed hands. */
  coverage: COVERAGE,
  /** What each actor will do when it moves next. */
  pending: PENDING,
  /** By interrupt actor: the word of the control page that says whether one is pending. */
  interruptWord: INTERRUPT_WORD,
  steps: STEPS,
  /** What of the shared memories was written: a bit for each chunk. */
  dirt: DIRT,
  /** What happened, for the race detector. */
  journal: JOURNAL,
} as const;

export const STATE_WORDS = JOURNAL + MAX_DECISIONS * ACCESS_RECORD_WORDS;

/** The next 32 bits of the execution's own generator (xorshift). */
export function nextRandom(words: Int32Array): number {
  let x = words[WORD.random] as number;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  words[WORD.random] = x;
  return x >>> 0;
}

export const drawBelow = (words: Int32Array, limit: number): number =>
  Math.floor((nextRandom(words) / 0x1_0000_0000) * limit);

/** A seed per execution: neighbours share nothing. */
export function mixSeed(seed: number, execution: number): number {
  let z = (seed ^ Math.imul(execution + 1, 0x9e37_79b9)) >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
  return (z ^ (z >>> 15)) | 1;
}

export const coverageOf = (words: Int32Array): readonly number[] => [
  ...words.subarray(COVERAGE, COVERAGE + COVERAGE_WORDS),
];

/** The lowest set bit of a mask that is not empty. */
export const lowest = (mask: number): number => 31 - Math.clz32(mask & -mask);

export function countBits(mask: number): number {
  let count = 0;
  for (; mask !== 0; mask &= mask - 1) count++;
  return count;
}
