/** The rows of the table, by name. A new device adds a file beside this one. */
import type { Adapter } from "../adapter.ts";
import { balloon } from "./balloon.ts";
import { blk } from "./blk.ts";
import { blkFile } from "./blk-file.ts";
import { console } from "./console.ts";
import { net } from "./net.ts";
import { rng } from "./rng.ts";

export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  blk,
  "blk-file": blkFile,
  net,
  console,
  rng,
  balloon,
};
