/** `virtlab linux`: an unmodified Linux kernel, its drivers on our devices. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { LinuxEnded, LinuxError } from "../../foreign/linux/agent.ts";
import { setUp } from "../../foreign/linux/debian.ts";
import { type Devices, openDevices } from "../../foreign/linux/devices.ts";
import { LinuxMachine } from "../../foreign/linux/linux-machine.ts";
import { accessLine, RegisterLog } from "../../foreign/linux/register-log.ts";
import { findSystemFiles, type GivenFiles } from "../../foreign/linux/system-files.ts";
import { UsageError } from "../../host/device.ts";
import { parseSize } from "../../machine/description.ts";
import { breaksMust } from "../../monitor/monitor.ts";
import { newCommand } from "../command.ts";
import { parseDevice } from "../device-argument.ts";
import { EXIT } from "../exit-codes.ts";
import { attachConsole } from "../linux-console.ts";
import { seconds } from "../numbers.ts";
import { monitorOf, monitorText } from "../run-report.ts";

interface LinuxOptions extends GivenFiles {
  setup?: boolean;
  sources?: string;
  run?: string;
  deadline: string;
  disk?: string;
  write?: boolean;
  device: string[];
  snapshot?: boolean;
  memory?: string;
  acpi: boolean;
  record?: string;
  monitor?: boolean;
  json?: boolean;
}

const collect = (value: string, list: string[]): string[] => [...list, value];

export function linuxCommand(): Command {
  return newCommand("linux")
    .description("boot a real Linux kernel, in an emulated PC, with its virtio drivers on our devices")
    .option("--setup", "fetch kernel, busybox and SeaBIOS from Debian's packages into your cache folder")
    .option("--sources <file>", "for --setup: an apt sources.list, instead of this machine's")
    .option("--run <commands>", "run shell commands in the guest; their status is ours")
    .option("--deadline <seconds>", "for --run: how long the commands may take", "120")
    .option("--disk <file>", "this file is /dev/vda (a copy of it, without --write)")
    .option("--write", "what the guest writes to --disk goes to the file itself")
    .option("--device <name[,key=value…]>", "add a device, as for virtlab run", collect, [])
    .option("--snapshot", "start from a booted machine in the cache folder; make it, the first time")
    .option("--memory <size>", "guest RAM (default 128M)")
    .option("--no-acpi", "a PC without ACPI: interrupts through the 8259, no MSI-X, no hot plug")
    .option("--record <file>", "write every access to our devices' registers to a file")
    .option("--monitor", "check the specification's statements: Linux's drivers, our devices")
    .option("--kernel <file>", "a 32-bit bzImage of yours")
    .option("--modules <folder>", "its modules, where the virtio drivers are not built in")
    .option("--initrd <file>", "a first file system of yours (no --run then)")
    .option("--busybox <file>", "a static 32-bit busybox of yours")
    .option("--bios <file>", "a SeaBIOS of yours")
    .option("--json", "with --run: print one JSON document")
    .addHelpText("after", HELP)
    .action(async (options: LinuxOptions) => {
      process.exitCode = options.setup ? await runSetup(options) : await runLinux(options);
    });
}

const HELP = `
Without --run: a shell on your terminal. "exit", or Ctrl-], ends the machine.
Linux comes from Debian's packages: run virtlab linux --setup once (no root needed), or name files of your own.
A start takes 10-20 s, with --snapshot about one. With --snapshot devices are plugged in after the boot.

Exit codes with --run: those of the commands; 1 when Linux does not boot, the commands do not end in time, or a MUST was
broken under --monitor.

Examples:
  virtlab linux --setup
  virtlab linux --snapshot --disk disk.img
  virtlab linux --snapshot --disk disk.img --run 'mount -t ext4 /dev/vda /mnt && ls -l /mnt'
  virtlab linux --device blk,size=32M,vectors=0 --device rng --run 'cat /proc/interrupts'
  virtlab linux --snapshot --device blk --record registers.txt --run true`;

async function runSetup({ sources }: LinuxOptions): Promise<number> {
  const manifest = await setUp({ sources, progress: (step) => note(`set-up: ${step}`) });
  process.stdout.write(`Linux ${manifest.release} is ready, from\n  ${manifest.packages.join("\n  ")}\n`);
  return EXIT.fine;
}

async function runLinux(options: LinuxOptions): Promise<number> {
  check(options);
  const files = findSystemFiles(options);
  const devices = await openDevices({
    disk: options.disk,
    write: options.write ?? false,
    others: options.device.map(parseDevice),
  });
  const log = new RegisterLog();
  try {
    return await useMachine(options, files, devices, log);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    if (options.json) print({ status: null, reason: error.message });
    else note(error.message);
    return EXIT.finding;
  } finally {
    devices.remove();
    if (options.record !== undefined) writeRecord(options.record, log);
  }
}

async function useMachine(
  options: LinuxOptions,
  files: ReturnType<typeof findSystemFiles>,
  devices: Devices,
  log: RegisterLog,
): Promise<number> {
  const began = performance.now();
  const machine = await LinuxMachine.start({
    files,
    devices: devices.opened,
    memory: options.memory === undefined ? undefined : parseSize("--memory", options.memory),
    acpi: options.acpi,
    snapshot: options.snapshot ?? false,
    monitor: options.monitor ?? false,
    note,
    ...(options.record !== undefined && { intercept: log.intercept.bind(log) }),
    ...(files.initrd !== undefined && { onConsole: (bytes: Uint8Array) => void process.stdout.write(bytes) }),
  });
  try {
    const startMs = Math.round(performance.now() - began);
    if (options.run !== undefined) return await runCommands(machine, options, startMs);
    return await useConsole(machine);
  } finally {
    await machine.stop();
    if (!options.json) {
      for (const violation of machine.violations) note(`Linux broke a rule: ${violation}`);
      for (const line of monitorText(machine)) note(line);
    }
  }
}

async function useConsole(machine: LinuxMachine): Promise<number> {
  try {
    await attachConsole(machine);
  } catch (error) {
    if (!(error instanceof LinuxEnded)) throw error;
  }
  return EXIT.fine;
}

async function runCommands(machine: LinuxMachine, options: LinuxOptions, startMs: number): Promise<number> {
  const deadlineMs = 1000 * seconds("--deadline", options.deadline);
  if (!options.json) machine.agent.onOutput = (line) => void process.stdout.write(`${line}\n`);
  const began = performance.now();
  const { status, output } = await machine.run(options.run ?? "", deadlineMs);
  if (options.json) {
    print({
      status,
      output,
      startMs,
      runMs: Math.round(performance.now() - began),
      restored: machine.restored,
      violations: machine.violations,
      ...monitorOf(machine),
      functions: machine.host.describe().functions,
    });
  }
  const broken = machine.monitor?.findings.some(breaksMust) ?? false;
  return status === EXIT.fine && broken ? EXIT.finding : status;
}

function check(options: LinuxOptions): void {
  if (options.write && options.disk === undefined) throw new UsageError("--write goes with --disk");
  if (options.json && options.run === undefined) throw new UsageError("--json goes with --run");
  if (options.initrd !== undefined && (options.run !== undefined || options.snapshot)) {
    throw new UsageError("--initrd brings a system that takes no commands of ours: no --run, no --snapshot");
  }
  if (options.snapshot && !options.acpi) throw new UsageError("--snapshot plugs devices in: it needs ACPI");
  seconds("--deadline", options.deadline);
}

const note = (message: string): void => void process.stderr.write(`virtlab: ${message}\n`);
const print = (document: unknown): void =>
  void process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);

function writeRecord(file: string, log: RegisterLog): void {
  const lines = log.accesses.map((access) => `${access.device}: ${accessLine(access)}`);
  writeFileSync(file, `${lines.join("\n")}\n`);
}
