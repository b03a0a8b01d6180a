/**
 * A thread that does not run for a while, and whose clock jumps: in the manner of rr's chaos mode, which keeps threads
 * from running for log-uniform times. While it sleeps the others have its processor.
 */
import { allocateShared } from "../../memory/attach.ts";
import { LiveMemory } from "../../memory/live-memory.ts";
import { Random } from "../../wire/random.ts";

const STARVE_MS = { least: 1, most: 2000 };
/** The clock jumps forward, by less than any deadline. */
const JUMP_MS_MAX = 2000;

const nobodyRings = new LiveMemory(allocateShared(4));

/** Blocks this thread. */
export function starve(random: Random): void {
  const { least, most } = STARVE_MS;
  nobodyRings.wait32(0, 0, least * (most / least) ** (random.next() / 2 ** 32), 0);
}

/** This thread's clock, from now on. */
export function jumpClock(random: Random): void {
  const now = performance.now.bind(performance);
  const jump = random.next() % JUMP_MS_MAX;
  performance.now = () => now() + jump;
}

export interface Victim {
  readonly side: "host" | "io";
  readonly seed: number;
  /** From one time to the next, at most. */
  readonly pauseMsMax: number;
  readonly clockJumps: boolean;
}

/** For a thread whose program is not ours, again and again until it ends. */
export function torment({ seed, pauseMsMax, clockJumps }: Victim): void {
  const random = new Random(seed);
  const later = () => setTimeout(strike, random.next() % pauseMsMax).unref();
  const strike = () => {
    if (clockJumps && random.next() % 4 === 0) jumpClock(random);
    else starve(random);
    later();
  };
  later();
}
