/** The block device on a file: requests are with the operating system, too, when something happens to the device. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Adapter } from "../adapter.ts";
import { blk } from "./blk.ts";

const BYTES = 1024 * 1024;

export const blkFile: Adapter = {
  ...blk,
  name: "blk-file",
  prepare() {
    const folder = mkdtempSync(join(tmpdir(), "virtlab-life-cycle-"));
    const file = join(folder, "disk.img");
    writeFileSync(file, "");
    truncateSync(file, BYTES);
    return { options: { file, queues: 2 }, cleanUp: () => rmSync(folder, { recursive: true }) };
  },
};
