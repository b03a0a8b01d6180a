/** Our driver on QEMU's device: a QEMU of its own for each rig. */
import { execFileSync } from "node:child_process";
import type { ChipsetName } from "../../src/foreign/qemu/chipset.ts";
import { findQemu, type QemuProgram } from "../../src/foreign/qemu/find-qemu.ts";
import { connectGuest, type QemuGuestOptions } from "../../src/foreign/qemu/guest.ts";
import { Qemu } from "../../src/foreign/qemu/qemu.ts";
import { checkDescription } from "../../src/machine/description.ts";
import { type Rig, type RigOptions, waits } from "./rig.ts";

const LIFE_SECONDS = 60;

/** The program, or why the tests that need it are skipped. */
export function qemuHere(): QemuProgram | string {
  try {
    execFileSync("setpriv", ["--version"]);
    return findQemu();
  } catch (error) {
    return (error as Error).message;
  }
}

export interface QemuRigOptions extends RigOptions {
  readonly chipset: ChipsetName;
  readonly transitional?: boolean;
  readonly hooks?: Pick<QemuGuestOptions, "wrapBus" | "wrapMemory">;
}

export interface QemuRig extends Rig {
  readonly qemu: Qemu;
}

export async function createQemuRig(options: QemuRigOptions): Promise<QemuRig> {
  const { devices, tier, indirect, eventIndex, chipset, transitional = false } = options;
  const spec = checkDescription({ devices, indirect, eventIndex, memory: "16M" });
  const qemu = new Qemu(spec, { program: findQemu(), chipset, transitional, lifeSeconds: LIFE_SECONDS });
  const log: string[] = [];
  const connecting = connectGuest({
    ...qemu.paths,
    ...options.hooks,
    ramBytes: spec.memory,
    chipset,
    guest: { log: (message) => log.push(message), interruptTiers: tier },
  });
  connecting.catch(() => undefined);
  try {
    const { guest, close } = await Promise.race([connecting, qemu.process.gone]);
    return {
      ...waits(() => guest.poll()),
      guest,
      log,
      qemu,
      deviceCommand: (...args) => qemu.deviceCommand(...args),
      close: async () => {
        close();
        await qemu.end();
      },
    };
  } catch (error) {
    await qemu.end();
    throw error;
  }
}
