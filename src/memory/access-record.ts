/** One access to shared memory, written down in words: what logs and journals of accesses are made of. */
import type { Site } from "../wire/sites.ts";

export const ACCESS_RECORD_WORDS = 7;

export interface AccessRecord {
  readonly thread: number;
  /** Of `ACCESS`, or of the writer's own. */
  readonly kind: number;
  readonly memory: number;
  readonly offset: number;
  readonly bytes: number;
  readonly site: Site;
  readonly value: number;
}

/** Not as an object: it is written for every access. */
export function writeAccessRecord(
  words: Int32Array,
  at: number,
  thread: number,
  kind: number,
  memory: number,
  offset: number,
  bytes: number,
  site: Site,
  value: number,
): void {
  words[at] = thread;
  words[at + 1] = kind;
  words[at + 2] = memory;
  words[at + 3] = offset;
  words[at + 4] = bytes;
  words[at + 5] = site;
  words[at + 6] = value;
}

export const readAccessRecord = (words: Int32Array, at: number): AccessRecord => ({
  thread: words[at] as number,
  kind: words[at + 1] as number,
  memory: words[at + 2] as number,
  // Offsets may need all 32 bits.
  offset: (words[at + 3] as number) >>> 0,
  bytes: words[at + 4] as number,
  site: words[at + 5] as number,
  value: words[at + 6] as number,
});
