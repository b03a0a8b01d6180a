/** Numbers on the command line: decimal digits within limits, or one clear error. */
import { UsageError } from "../host/device.ts";
import { SEED_MAX } from "../wire/random.ts";

/** Of machines, or hunters: each has threads and memory of its own. */
export const AT_ONCE_MAX = 256;
/** What a timer holds, and 24 days of time. */
export const MILLISECONDS_MAX = 2 ** 31 - 1;
const SECONDS_MAX = Math.floor(MILLISECONDS_MAX / 1000);

export function wholeNumber(name: string, value: unknown, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= least && number <= most) return number;
  throw new UsageError(`${name}: expected a whole number${bounds(least, most)}, got "${value}"`);
}

function bounds(least: number, most: number): string {
  if (most < Number.MAX_SAFE_INTEGER) return ` from ${least} to ${most}`;
  return least === 0 ? "" : ` from ${least} on`;
}

/** What random choices follow from. A larger one would be another one's twin. */
export const seedNumber = (name: string, value: unknown): number => wholeNumber(name, value, 0, SEED_MAX);

/** A time; fractions may do. */
export function seconds(name: string, value: string): number {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (number > 0 && number <= SECONDS_MAX) return number;
  throw new UsageError(`${name}: expected seconds, above 0 and up to ${SECONDS_MAX}, got "${value}"`);
}
