#!/usr/bin/env node
/** `virtlab`: the command line. Each command is a file in `commands/`. */
import { CommanderError } from "commander";
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

const program = newCommand("virtlab")
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

for (const [signal, code] of [
  ["SIGINT", EXIT.interrupted],
  ["SIGTERM", EXIT.terminated],
  ["SIGHUP", EXIT.hungUp],
] as const) {
  // Worker threads end with the process; a file that was open for writing has had every write it was promised.
  process.on(signal, () => process.exit(code));
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that has had enough, as `head` has, ends us as it ends any other program.
  if (error.code === "EPIPE") process.exit(EXIT.readerGone);
  process.stderr.write(`virtlab: the output cannot be written: ${error.message}\n`);
  process.exit(EXIT.failure);
});
// With nobody to tell, the exit code is what is left.
process.stderr.on("error", () => undefined);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

function explain(error: unknown): number {
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
