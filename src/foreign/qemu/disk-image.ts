/** The back end of QEMU's block device: the user's file, QEMU's own copy-on-write over it, or bytes from a seed. */
import { accessSync, closeSync, constants, openSync, statSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../../host/device.ts";
import { type DeviceSpec, parseSize } from "../../machine/description.ts";
import { Random } from "../../wire/random.ts";
import { type BackEnd, type Properties, propertyList } from "./properties.ts";
import type { Scratch } from "./scratch.ts";

const BLOCK_BYTES = 1 << 20;
const DEFAULT_BYTES = 64 << 20;
/** Options of virtlab's block device that QEMU has under another name. */
const RENAMED: Readonly<Record<string, string>> = {
  queues: "num-queues",
  "block-size": "logical_block_size",
  "physical-block-size": "physical_block_size",
  "min-io-size": "min_io_size",
  "opt-io-size": "opt_io_size",
};
export const BLK_OPTIONS = [
  ...["file", "size", "seed", "read-only", "copy", "cache"],
  ...Object.keys(RENAMED),
];

export function blkBackEnd(id: string, device: DeviceSpec, scratch: Scratch): BackEnd {
  const { options } = device;
  const readOnly = isOn(options["read-only"]);
  const drive: Properties = {
    if: "none",
    id: `${id}-drive`,
    format: "raw",
    file: imageFile(id, options, scratch, !readOnly && !isOn(options.copy)),
    ...(readOnly && { readonly: "on" }),
    ...(isOn(options.copy) && { snapshot: "on" }),
    ...(options.cache !== undefined && { cache: options.cache }),
  };
  return {
    args: ["-drive", propertyList(drive).join(",")],
    properties: {
      drive: `${id}-drive`,
      // With it QEMU's used index can be seen before its interrupt has been sent, from another thread.
      ioeventfd: false,
      "queue-size": device.queueSize,
      ...renamed(options),
    },
  };
}

/** Bytes that the disk will need in the scratch folder. */
export const diskBytes = ({ type, options }: DeviceSpec): number =>
  type === "blk" && options.file === undefined ? sizeOf(options) : 0;

function imageFile(id: string, options: Properties, scratch: Scratch, write: boolean): string {
  if (options.file === undefined) return seededFile(scratch.path(`${id}.img`), options);
  const file = resolve(String(options.file));
  try {
    accessSync(file, constants.R_OK | (write ? constants.W_OK : 0));
  } catch (error) {
    throw new UsageError(`disk ${file}: ${(error as Error).message}`);
  }
  if (!statSync(file).isFile()) throw new UsageError(`disk ${file}: not a regular file`);
  return file;
}

function seededFile(path: string, options: Properties): string {
  const bytes = sizeOf(options);
  const random = new Random(Number(options.seed ?? 0));
  const block = new Uint8Array(BLOCK_BYTES);
  const descriptor = openSync(path, "w");
  for (let at = 0; at < bytes; at += BLOCK_BYTES) {
    const part = block.subarray(0, Math.min(BLOCK_BYTES, bytes - at));
    random.fill(part);
    writeSync(descriptor, part);
  }
  closeSync(descriptor);
  return path;
}

function sizeOf({ size }: Properties): number {
  return size === undefined ? DEFAULT_BYTES : parseSize("blk, size", typeof size === "boolean" ? "" : size);
}

const renamed = (options: Properties): Properties =>
  Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) => {
      const theirs = RENAMED[name];
      return theirs === undefined ? [] : [[theirs, value]];
    }),
  );

const isOn = (value: unknown): boolean => value === true || value === "on" || value === "true";
