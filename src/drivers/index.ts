/** The drivers that come with virtlab. */
import type { VirtioDriver } from "../guest/virtio/types.ts";
import { blk } from "./blk/blk.ts";
import { rng } from "./rng.ts";

export { blk } from "./blk/blk.ts";
export { BlkError } from "./blk/blk-error.ts";
export type { Disk } from "./blk/disk.ts";
export { CancelledError } from "./errors.ts";
export { type Entropy, rng } from "./rng.ts";

export const drivers: readonly VirtioDriver[] = [blk, rng];
