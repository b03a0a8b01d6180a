/** `virtlab shell`: a machine, and a prompt in its guest; or a script of what one would type there. */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { Command } from "commander";
import { UsageError } from "../../host/device.ts";
import { Machine } from "../../machine/machine.ts";
import { Shell } from "../../machine/shell/shell.ts";
import { newCommand } from "../command.ts";
import { parseDevice } from "../device-argument.ts";
import { addDescriptionOptions, type DescriptionOptions, describeMachine } from "../machine-options.ts";
import { runInteractive } from "../shell/interactive.ts";
import { runScript } from "../shell/script.ts";

/** Something of each, when nothing is asked for. */
const DEFAULT_DEVICES = ["blk,size=16M,seed=1", "rng", "net,responder=on"];

export function shellCommand(): Command {
  const command = newCommand("shell")
    .description("start a machine and a prompt in its guest; type help there")
    .argument("[script]", "read commands from this file; a pipe does as well");
  return addDescriptionOptions(command, "add a device; without any: a disk, entropy and a network card")
    .addHelpText("after", HELP)
    .action(async (script: string | undefined, options: DescriptionOptions) => {
      process.exitCode = await shell(script, options);
    });
}

const HELP = `
A script ends at the first command that fails, with exit code 1; "! COMMAND" is for one that should.

Examples:
  virtlab shell
  virtlab shell --device blk,file=disk.img --device net,responder=on --interrupts intx
  echo 'dd if=/dev/hwrng of=vda count=16' | virtlab shell`;

async function shell(script: string | undefined, options: DescriptionOptions): Promise<number> {
  const description = describeMachine(options);
  const devices = description.devices?.length ? description.devices : DEFAULT_DEVICES.map(parseDevice);
  const input = script === undefined ? undefined : await openScript(script);
  const machine = await Machine.start({ ...description, devices });
  const prompt = new Shell(machine, parseDevice);
  try {
    if (input === undefined && process.stdin.isTTY) return await runInteractive(prompt);
    return await runScript(prompt, input ?? process.stdin);
  } finally {
    // After a stall or a crash it may not be able to stop in order; that was said when it happened.
    await machine.stop().catch(() => undefined);
  }
}

function openScript(path: string): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const stream = createReadStream(path);
    stream.once("open", () => resolve(stream));
    stream.once("error", (error) => reject(new UsageError(`${path}: cannot be read: ${error.message}`)));
  });
}
