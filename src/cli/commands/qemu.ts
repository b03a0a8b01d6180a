/** `virtlab qemu`: the same guest and the same work as `virtlab run`, on the devices of a QEMU. */
import { type Command, Option } from "commander";
import { CHIPSETS, type ChipsetName } from "../../foreign/qemu/chipset.ts";
import { QEMU_DEVICES } from "../../foreign/qemu/devices.ts";
import { QemuMachine, type QemuMachineOptions } from "../../foreign/qemu/qemu-machine.ts";
import { newCommand } from "../command.ts";
import { addMachineOptions, type MachineOptions } from "../machine-options.ts";
import { type Counterpart, runMachine } from "../run-machine.ts";

interface QemuOptions extends MachineOptions {
  machine?: ChipsetName;
  transitional?: boolean;
}

export function qemuCommand(): Command {
  const command = newCommand("qemu").description(
    "run the guest on QEMU's devices: its PCI bus, its virtio, our drivers",
  );
  return addMachineOptions(command, {
    disk: "attach this file (a copy of it, without --write)",
    write: "let QEMU write to --disk; what was there is put back afterwards",
    device: `add a device: ${QEMU_DEVICES.join(", ")}; other keys than ours are QEMU's properties`,
  })
    .addOption(new Option("--machine <type>", "QEMU's machine (default pc)").choices([...CHIPSETS]))
    .option("--transitional", "devices with a modern interface beside the legacy one")
    .addHelpText("after", HELP)
    .action(async (options: QemuOptions) => {
      process.exitCode = await runMachine(options, qemuCounterpart(options));
    });
}

export function qemuCounterpart({ machine, transitional }: Partial<QemuOptions>): Counterpart {
  const options: QemuMachineOptions = {
    ...(machine !== undefined && { chipset: machine }),
    ...(transitional !== undefined && { transitional }),
  };
  return { start: (description) => QemuMachine.start(description, options), protection: "copy" };
}

const HELP = `
Needs QEMU 7.2 or later (Debian, Ubuntu: apt-get install qemu-system-x86); VIRTLAB_QEMU names another program.
No guest code runs inside QEMU: its processor sleeps, and virtlab's guest reaches its devices through QEMU's test
interface, with guest RAM as a file that both have open. Drivers cannot tell.

Examples:
  virtlab qemu
  virtlab qemu --machine q35 --interrupts intx --event-index off --json
  virtlab qemu --disk disk.img --device balloon --device net
  virtlab qemu --guest ./my-program.js          the same as virtlab run --counterpart qemu`;
