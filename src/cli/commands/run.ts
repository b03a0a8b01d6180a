/** `virtlab run`: a machine, the acceptance workload or a program of the user's, and what came of it. */
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { UsageError } from "../../host/device.ts";
import { type Acceptance, runAcceptance } from "../../machine/acceptance.ts";
import { INTERRUPT_MODES, type MachineDescription } from "../../machine/description.ts";
import { Machine, type RunReport } from "../../machine/machine.ts";
import { newCommand } from "../command.ts";
import { onOff, parseDevice, wholeNumber } from "../device-argument.ts";
import { EXIT } from "../exit-codes.ts";
import { Progress } from "../progress.ts";
import { acceptanceJson, acceptanceText, programJson, programText } from "../run-report.ts";

interface RunOptions {
  disk?: string;
  write?: boolean;
  diskSize?: string;
  interrupts?: MachineDescription["interrupts"];
  queueSize?: string;
  indirect?: string;
  eventIndex?: string;
  memory?: string;
  seed?: string;
  device: string[];
  guest?: string;
  arg: string[];
  config?: string;
  json?: boolean;
}

const collect = (value: string, list: string[]): string[] => [...list, value];

export function runCommand(): Command {
  return newCommand("run")
    .description("run a machine: a block device on one thread, its driver on another, every byte verified")
    .option("--disk <file>", "serve this file (never changed without --write)")
    .option("--write", "allow the pattern test to write to --disk; what was there is put back afterwards")
    .option("--disk-size <size>", "without --disk: size of the memory disk (default 64M)")
    .addOption(
      new Option("--interrupts <mode>", "which tier the driver asks for").choices([...INTERRUPT_MODES]),
    )
    .option("--queue-size <n>", "entries of each queue, a power of two (default 256)")
    .option("--indirect <on|off>", "offer indirect descriptors (default on)")
    .option("--event-index <on|off>", "offer event index (default on)")
    .option("--memory <size>", "guest RAM (default 64M)")
    .option("--seed <n>", "seed of the memory disk's contents (default: a new one, printed)")
    .option(
      "--device <name[,key=value…]>",
      "add a device: a name, or the path of a module of yours",
      collect,
      [],
    )
    .option("--guest <module>", "run this guest program instead of the acceptance workload")
    .option("--arg <value>", "an argument for --guest (may be repeated)", collect, [])
    .option("--config <file>", "a machine description in JSON; the options above come on top of it")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (options: RunOptions) => {
      process.exitCode = options.guest === undefined ? await acceptance(options) : await userProgram(options);
    });
}

const HELP = `
Without arguments: a 64 MiB memory disk filled from a printed seed. The driver reads the whole disk with many
requests in flight; the SHA-256 computed in the guest must equal the one computed outside. Then a pattern is
written, flushed and read back, and entropy is read. The last line is the verdict.

Verdicts: completed, stalled (a bounded wait expired), violated (a side broke the protocol), crashed.

Examples:
  virtlab run --disk disk.img --interrupts intx
  virtlab run --queue-size 16 --event-index off --json | jq .latencyUs
  virtlab run --device rng,slot=9 --guest ./my-program.js --arg 1000
  virtlab run --device ./my-device.js --guest ./my-program.js

A machine description (--config) is the object that Machine.start takes:
  { "memory": "128M", "queueSize": 64, "devices": [ { "type": "blk", "options": { "file": "disk.img" } } ] }`;

function describe(options: RunOptions): MachineDescription {
  const base = options.config === undefined ? {} : readConfig(options.config);
  return {
    ...base,
    ...(options.memory !== undefined && { memory: options.memory }),
    ...(options.interrupts !== undefined && { interrupts: options.interrupts }),
    ...(options.queueSize !== undefined && { queueSize: wholeNumber("--queue-size", options.queueSize) }),
    ...(options.indirect !== undefined && { indirect: onOff("--indirect", options.indirect) }),
    ...(options.eventIndex !== undefined && { eventIndex: onOff("--event-index", options.eventIndex) }),
    devices: [...(base.devices ?? []), ...options.device.map(parseDevice)],
  };
}

function readConfig(file: string): MachineDescription {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`--config ${file}: cannot be read: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text) as MachineDescription;
  } catch (error) {
    throw new UsageError(`--config ${file}: expected JSON: ${(error as Error).message}`);
  }
}

async function acceptance(options: RunOptions): Promise<number> {
  if (options.write && options.disk === undefined) throw new UsageError("--write goes with --disk");
  if (options.disk !== undefined && options.diskSize !== undefined) {
    throw new UsageError("--disk-size is for the memory disk; it cannot go with --disk");
  }
  const progress = new Progress(!options.json);
  const result = await runAcceptance(
    describe(options),
    {
      disk: options.disk,
      diskSize: options.diskSize,
      write: options.write ?? false,
      seed: options.seed === undefined ? undefined : wholeNumber("--seed", options.seed),
    },
    (label, done, total) => progress.update(label, done, total),
  );
  progress.stop();
  process.stdout.write(
    `${options.json ? JSON.stringify(acceptanceJson(result), null, 2) : acceptanceText(result)}\n`,
  );
  return exitCode(result.report, result.verified);
}

async function userProgram(options: RunOptions): Promise<number> {
  const machine = await Machine.start(describe(options));
  const report = await machine.run(options.guest ?? "", options.arg).finally(() => stopQuietly(machine));
  process.stdout.write(
    `${options.json ? JSON.stringify(programJson(report), null, 2) : programText(report)}\n`,
  );
  if (report.fault !== null && !options.json) process.stderr.write(`${report.fault.stack}\n`);
  return exitCode(report, true);
}

/** A machine that crashed or stalled may not be able to stop in order; the report says so already. */
async function stopQuietly(machine: Machine): Promise<void> {
  await machine.stop().catch(() => undefined);
}

function exitCode(report: RunReport, verified: Acceptance["verified"]): number {
  if (report.verdict === "crashed") return EXIT.failure;
  return report.verdict === "completed" && verified ? EXIT.fine : EXIT.finding;
}
