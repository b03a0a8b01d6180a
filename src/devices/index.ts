/** The devices that come with virtlab, by the name that `--device` takes. */
import type { DeviceDefinition } from "../host/index.ts";
import balloon from "./balloon/definition.ts";
import blk from "./blk/definition.ts";
import console from "./console/definition.ts";
import rng from "./entropy.ts";
import net from "./net/definition.ts";

export const devices: Readonly<Record<string, DeviceDefinition>> = { balloon, blk, console, net, rng };
