/** `virtlab dump`: the queues of a running or stalled machine, decoded from its memory. */
import type { Command } from "commander";
import { UsageError } from "../../host/device.ts";
import type { Snapshot } from "../../machine/snapshot.ts";
import { dumpText } from "../../observe/report/dump-text.ts";
import { newCommand } from "../command.ts";
import { ControlClient } from "../control-client.ts";
import { EXIT } from "../exit-codes.ts";

export function dumpCommand(): Command {
  return newCommand("dump")
    .description("decode the queues of a running or stalled machine, with what looks wrong")
    .argument("<socket>", "what virtlab run --control was given")
    .argument("[device]", "only this one: a slot such as 00:04.0, or a name such as blk")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExit code 1: something looks wrong. R parts are read by the device, W parts written.",
    )
    .action(async (path: string, device: string | undefined, options: { json?: boolean }) => {
      const client = await ControlClient.connect(path);
      const snapshot = await client.ask<Snapshot>("snapshot").finally(() => client.close());
      const matches = (name: string): boolean => device === undefined || name.split(" ").includes(device);
      const functions = snapshot.functions.filter(({ name }) => matches(name));
      if (functions.length === 0 && device !== undefined)
        throw new UsageError(`there is no device ${device}`);
      process.stdout.write(
        `${options.json ? JSON.stringify({ ...snapshot, functions }, null, 2) : dumpText(snapshot, matches)}\n`,
      );
      const wrong = functions.some(({ queues }) => queues.some((queue) => queue.wrong.length > 0));
      process.exitCode = wrong ? EXIT.finding : EXIT.fine;
    });
}
