/** QEMU's command line for a machine whose processor never runs: we are its guest, from outside. */
import { writeFileSync } from "node:fs";
import type { MachineSpec } from "../../machine/description.ts";
import { DEFAULT_RAM_BASE } from "../../memory/ram.ts";
import { alignUp } from "../../wire/numbers.ts";
import type { ChipsetName } from "./chipset.ts";
import { deviceArgs } from "./devices.ts";
import type { Scratch } from "./scratch.ts";

const MEBIBYTE = 1 << 20;

export interface QemuOptions {
  readonly chipset: ChipsetName;
  /** Devices with a modern interface beside the legacy one. */
  readonly transitional: boolean;
}

/** Where the parts of a running machine are found. */
export interface QemuPaths {
  readonly qtest: string;
  readonly qmp: string;
  readonly ram: string;
}

/** Nothing that ticks by itself: a timer would fill the qtest stream with its interrupt. */
const MACHINE_OPTIONS = {
  pc: "pc,pit=off,hpet=off,usb=off,vmport=off,i8042=off",
  q35: "q35,pit=off,hpet=off,usb=off,vmport=off,i8042=off,sata=off,smbus=off",
} as const satisfies Record<ChipsetName, string>;

/** Guest RAM begins at 1 MiB, where a PC's usable memory does; what lies below is in the file too. */
export const fileBytes = (spec: MachineSpec): number => alignUp(DEFAULT_RAM_BASE + spec.memory, MEBIBYTE);

export function preparePaths(scratch: Scratch): QemuPaths {
  return { qtest: scratch.makePipe("qtest"), qmp: scratch.path("qmp"), ram: scratch.path("ram") };
}

export function qemuArgs(
  spec: MachineSpec,
  options: QemuOptions,
  scratch: Scratch,
  paths: QemuPaths,
): string[] {
  const bytes = fileBytes(spec);
  const bios = scratch.path("bios");
  writeFileSync(bios, idleFirmware());
  const context = { scratch, transportFeatures: spec.transportFeatures, transitional: options.transitional };
  return [
    ...["-machine", `${MACHINE_OPTIONS[options.chipset]},memory-backend=ram0`, "-accel", "tcg"],
    ...["-m", `${bytes / MEBIBYTE}M`],
    ...["-object", `memory-backend-file,id=ram0,size=${bytes},mem-path=${paths.ram},share=on`],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-bios", bios],
    ...["-qtest", `pipe:${paths.qtest}`, "-qtest-log", "none"],
    ...["-qmp", `unix:${paths.qmp},server=on,wait=off`],
    ...spec.devices.flatMap((device, index) => deviceArgs(device, index, context)),
  ];
}

/** cli; hlt; jmp back: at the reset vector, sixteen bytes before the end, in a sea of hlt. */
function idleFirmware(): Buffer {
  const image = Buffer.alloc(65_536, 0xf4);
  image.set([0xfa, 0xf4, 0xeb, 0xfd], 0xfff0);
  return image;
}
