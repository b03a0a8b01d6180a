/** Our devices for a Linux: opened before it starts; the user's disk as a copy unless it may be written. */
import { constants, copyFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../../host/device.ts";
import type { AddDeviceOptions } from "../../host/virtio-function.ts";
import {
  checkDescription,
  checkDevice,
  type DeviceDescription,
  type MachineDescription,
} from "../../machine/description.ts";
import { createDevice } from "../../machine/hot-plug.ts";
import { Scratch } from "../qemu/scratch.ts";

/** Slots below have, or may have, devices of the emulated PC. */
const FIRST_SLOT = 8;
const PC_SLOTS = Array.from({ length: FIRST_SLOT }, (_, slot) => slot);
/** Those of the PC's display and IDE controller. */
const MORE_PC_SLOTS = [0x12, 0x1e];

export interface Devices {
  /** To be closed by the machine that takes them. */
  readonly opened: readonly AddDeviceOptions[];
  /** Removes the copy. */
  remove(): void;
}

export interface DeviceWishes {
  readonly disk?: string | undefined;
  readonly write?: boolean;
  readonly others?: readonly DeviceDescription[];
  /** What devices offer: queue size, ring features. */
  readonly machine?: Pick<MachineDescription, "queueSize" | "indirect" | "eventIndex">;
}

export async function openDevices({
  disk,
  write,
  others = [],
  machine = {},
}: DeviceWishes): Promise<Devices> {
  const scratch = disk === undefined || write ? undefined : copyOf(disk);
  const remove = () => scratch?.remove();
  const opened: AddDeviceOptions[] = [];
  try {
    const spec = checkDescription(machine);
    const file = scratch?.path("disk.img") ?? disk;
    const all = [...(file === undefined ? [] : [{ type: "blk", options: { file } }]), ...others];
    const taken = new Set([...PC_SLOTS, ...MORE_PC_SLOTS]);
    for (const [index, wanted] of all.entries()) {
      const device = checkDevice(`devices[${index}]`, wanted, taken, spec.queueSize);
      taken.add(device.slot);
      opened.push(await createDevice(device, spec));
    }
    return { opened, remove };
  } catch (error) {
    for (const { model } of opened) await model.close?.();
    remove();
    throw error;
  }
}

function copyOf(disk: string): Scratch {
  const file = resolve(disk);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`disk ${file}: there is no such file`);
  if (!found.isFile()) throw new UsageError(`disk ${file}: not a regular file`);
  const scratch = new Scratch(found.size);
  try {
    copyFileSync(file, scratch.path("disk.img"), constants.COPYFILE_FICLONE);
  } catch (error) {
    scratch.remove();
    throw new UsageError(`disk ${file}: ${(error as Error).message}`);
  }
  return scratch;
}
