/** The rows of the table, by name. A new device adds a file beside this one. */
import type { Adapter } from "../adapter.ts";
import { blk } from "./blk.ts";
import { rng } from "./rng.ts";

export const ADAPTERS: Readonly<Record<string, Adapter>> = { blk, rng };
