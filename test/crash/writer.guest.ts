/**
 * Writes records, a few at a time, and says on standard output which are safe: after a flush, or with a write-through
 * disk when the write returns. Synchronously, so that what was said was said when the process dies.
 */
import { writeSync } from "node:fs";
import { blk } from "../../src/drivers/index.ts";
import { defineGuest } from "../../src/guest/define.ts";
import { SECTOR_SIZE } from "../../src/wire/numbers.ts";
import { type Mode, RECORD_BYTES, RECORDS_MAX, record } from "./records.ts";

const BATCH = 4;
const SECTORS = RECORD_BYTES / SECTOR_SIZE;

export default defineGuest(async ({ virtio, args }) => {
  const disk = virtio.find(blk);
  const mode = args as Mode;
  if (disk.writeback !== (mode === "writeback")) throw new Error(`the disk does not do ${mode}`);
  for (let next = 1; next + BATCH <= RECORDS_MAX; next += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, index) => next + index);
    await Promise.all(batch.map((number) => disk.write(number * SECTORS, record(number))));
    if (mode === "writeback") await disk.flush();
    writeSync(1, `${next + BATCH - 1}\n`);
  }
  // Nothing more to write: wait to be killed.
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
});
