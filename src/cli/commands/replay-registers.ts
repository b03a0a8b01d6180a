/** `virtlab replay-registers`: recorded register traffic, played to a device alone. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { UsageError } from "../../host/device.ts";
import { replayRegisters } from "../../machine/replay-registers.ts";
import { parseRegisters, type RegisterFile, RegisterFileError } from "../../observe/report/register-file.ts";
import { newCommand } from "../command.ts";
import { parseDevice } from "../device-argument.ts";
import { EXIT } from "../exit-codes.ts";

const SHOWN_MAX = 20;

export function replayRegistersCommand(): Command {
  return newCommand("replay-registers")
    .description("play recorded register traffic to a device alone, and compare its answers")
    .argument("<file>", "what virtlab run --registers wrote")
    .option("--device <name[,key=value…]>", "play it to this device instead of the one recorded")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (name: string, options: { device?: string; json?: boolean }) => {
      const file = read(name);
      const { accesses, reads, differences, violations } = await replayRegisters(
        file,
        parseDevice(options.device ?? file.device),
      );
      if (options.json)
        process.stdout.write(`${JSON.stringify({ accesses, reads, differences, violations }, null, 2)}\n`);
      else {
        for (const { at, access, found } of differences.slice(0, SHOWN_MAX)) {
          const { space, offset, width, value } = access;
          process.stdout.write(
            `access ${at}: ${space} +0x${offset.toString(16)}, ${width} bytes: recorded 0x${value.toString(16)}, ` +
              `now 0x${found.toString(16)}\n`,
          );
        }
        for (const violation of violations.slice(0, SHOWN_MAX))
          process.stdout.write(`violation: ${violation}\n`);
        process.stdout.write(
          `${accesses} accesses played, ${reads} answers compared, ${differences.length} differ\n`,
        );
      }
      process.exitCode = differences.length === 0 ? EXIT.fine : EXIT.finding;
    });
}

const HELP = `
The file is text, a line per access. Rings are not in it, so what comes of interrupts (ISR, pending bits) is not
compared; everything else is. Exit code 1: an answer differs.`;

function read(name: string): RegisterFile {
  let text: string;
  try {
    text = readFileSync(name, "utf8");
  } catch (error) {
    throw new UsageError(`${name}: cannot be read: ${(error as Error).message}`);
  }
  try {
    return parseRegisters(text, name);
  } catch (error) {
    if (error instanceof RegisterFileError) throw new UsageError(error.message);
    throw error;
  }
}
