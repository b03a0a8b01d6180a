/** The drivers that come with virtlab. */
import type { VirtioDriver } from "../guest/virtio/types.ts";
import { balloon } from "./balloon/driver.ts";
import { blk } from "./blk/blk.ts";
import { console } from "./console/driver.ts";
import { net } from "./net/net.ts";
import { rng } from "./rng.ts";

export type { Balloon } from "./balloon/balloon.ts";
export { balloon } from "./balloon/driver.ts";
export { blk } from "./blk/blk.ts";
export { BlkError } from "./blk/blk-error.ts";
export type { Disk } from "./blk/disk.ts";
export type { Console } from "./console/console.ts";
export { console } from "./console/driver.ts";
export type { ConsolePort } from "./console/port.ts";
export { CancelledError } from "./errors.ts";
export { net } from "./net/net.ts";
export { NetError } from "./net/net-error.ts";
export type { FrameHandler, Nic, RxMode, SendOptions } from "./net/nic.ts";
export { type PingOptions, type PingReply, ping } from "./net/ping.ts";
export { type Entropy, rng } from "./rng.ts";

export const drivers: readonly VirtioDriver[] = [balloon, blk, console, net, rng];
