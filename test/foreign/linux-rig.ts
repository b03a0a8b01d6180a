/** A Linux on our devices, for tests: out of the snapshot, so that it takes about a second. */
import type { PortHandler } from "../../src/bus/port-bus.ts";
import { type DeviceWishes, openDevices } from "../../src/foreign/linux/devices.ts";
import { LinuxMachine, type LinuxOptions } from "../../src/foreign/linux/linux-machine.ts";
import { findSystemFiles, readManifest } from "../../src/foreign/linux/system-files.ts";
import { findV86 } from "../../src/foreign/linux/v86.ts";

/** Long enough for a machine that has other things to do as well. */
export const LINUX_MS = 120_000;

/** What Linux this is, or why there is none. */
export function linuxHere(): { release: string } | string {
  try {
    findV86();
    findSystemFiles({});
    return readManifest() ?? "set-up is not complete";
  } catch (error) {
    return (error as Error).message;
  }
}

type RigOptions = Partial<Omit<LinuxOptions, "devices" | "files">> & DeviceWishes;

export async function startLinux(options: RigOptions = {}): Promise<LinuxMachine> {
  const { disk, write, others, machine, ...rest } = options;
  const { opened } = await openDevices({
    ...(disk !== undefined && { disk }),
    ...(write !== undefined && { write }),
    ...(others !== undefined && { others }),
    ...(machine !== undefined && { machine }),
  });
  return LinuxMachine.start({ snapshot: true, files: findSystemFiles({}), devices: opened, ...rest });
}

/** Until the condition holds in the guest, which may have little of a processor. */
export const waitFor = (condition: string): string =>
  `for i in $(seq 600); do if ${condition}; then break; fi; usleep 100000; done; ${condition}`;

/** Interrupts of virtio devices, as /proc/interrupts has them: number, count, chip, names. */
export async function interrupts(machine: LinuxMachine) {
  const { output } = await machine.run("grep virtio /proc/interrupts");
  return output.split("\n").map((line) => {
    const [irq = "", count = "", chip = "", ...rest] = line.trim().split(/\s+/);
    return { irq: Number.parseInt(irq, 10), count: Number(count), chip, names: rest.slice(1).join(" ") };
  });
}

/** A handler with some of its accesses changed. */
export const overriding = (handler: PortHandler, changes: Partial<PortHandler>): PortHandler => ({
  portRead: (port, width) => handler.portRead(port, width),
  portWrite: (port, width, value) => handler.portWrite(port, width, value),
  mmioRead: (address, width) => handler.mmioRead(address, width),
  mmioWrite: (address, width, value) => handler.mmioWrite(address, width, value),
  ...changes,
});
