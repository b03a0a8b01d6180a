/** What the writer writes and the test looks for: record n fills block n with bytes that only record n has. */
import { Random } from "../../src/wire/random.ts";

export const RECORD_BYTES = 4096;
/** A record is on disk from the first block on; block 0 stays free. */
export const RECORDS_MAX = 16_000;
export const DISK_BYTES = (RECORDS_MAX + 1) * RECORD_BYTES;

export function record(number: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  new Random(number).fill(bytes);
  return bytes;
}

export type Mode = "writeback" | "writethrough";
