/** The command line as a value: all commands, and what becomes of their errors. */
import { type Command, CommanderError } from "commander";
import { UsageError } from "../host/device.ts";
import { newCommand } from "./command.ts";
import { analyseCommand } from "./commands/analyse.ts";
import { attackCommand } from "./commands/attack.ts";
import { dumpCommand } from "./commands/dump.ts";
import { huntCommand } from "./commands/hunt.ts";
import { linuxCommand } from "./commands/linux.ts";
import { listCommand } from "./commands/list.ts";
import { litmusCommand } from "./commands/litmus.ts";
import { proveCommand } from "./commands/prove.ts";
import { qemuCommand } from "./commands/qemu.ts";
import { explainCommand, replayCommand } from "./commands/replay.ts";
import { replayRegistersCommand } from "./commands/replay-registers.ts";
import { runCommand } from "./commands/run.ts";
import { shellCommand } from "./commands/shell.ts";
import { stressCommand } from "./commands/stress.ts";
import { topCommand } from "./commands/top.ts";
import { EXIT } from "./exit-codes.ts";
import { version } from "./version.ts";

export function virtlab(): Command {
  return newCommand("virtlab")
    .description("virtio over PCI on two real threads: run it, stress it, measure it, hunt its races")
    .version(version())
    .addHelpText(
      "after",
      `
  Exit codes: 0 fine, 1 something was found, 2 wrong usage, 3 a failure of virtlab or of a guest program.

  Try:
    virtlab run                          a 64 MiB memory disk, read and verified through the driver
    virtlab run --disk disk.img --json   a file of yours, for a script
    virtlab qemu                         the same drivers on QEMU's devices
    virtlab linux                        Linux's drivers on our devices, and a shell
    virtlab shell                        a prompt in the guest: lspci, dd, ping, unbind, suspend, unplug
    virtlab run --help                   everything that run can do`,
    )
    .addCommand(runCommand())
    .addCommand(shellCommand())
    .addCommand(qemuCommand())
    .addCommand(linuxCommand())
    .addCommand(stressCommand())
    .addCommand(attackCommand())
    .addCommand(huntCommand())
    .addCommand(replayCommand())
    .addCommand(explainCommand())
    .addCommand(analyseCommand())
    .addCommand(topCommand())
    .addCommand(dumpCommand())
    .addCommand(replayRegistersCommand())
    .addCommand(proveCommand())
    .addCommand(litmusCommand())
    .addCommand(listCommand());
}

/** Tells an error in the user's words; the exit code that goes with it. */
export function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
  if (error instanceof UsageError) {
    process.stderr.write(`virtlab: ${error.message}\n`);
    return EXIT.usage;
  }
  process.stderr.write(
    `virtlab: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return EXIT.failure;
}
