/** `virtlab run`: a machine, the acceptance workload or a program of the user's, and what came of it. */
import { type Command, Option } from "commander";
import { UsageError } from "../../host/device.ts";
import { LiveRaces } from "../../hunt/races/live.ts";
import { oneOf } from "../../machine/description.ts";
import { Machine } from "../../machine/machine.ts";
import { SITE_LABELS } from "../../wire/sites.ts";
import { newCommand } from "../command.ts";
import { addMachineOptions, type MachineOptions } from "../machine-options.ts";
import { type Counterpart, runMachine } from "../run-machine.ts";
import { qemuCounterpart } from "./qemu.ts";

const COUNTERPARTS = ["virtlab", "qemu"] as const;

interface RunOptions extends MachineOptions {
  counterpart: (typeof COUNTERPARTS)[number];
  detectRaces?: boolean;
  plainSite?: string;
}

export function runCommand(): Command {
  const command = newCommand("run").description(
    "run a machine: a block device on one thread, its driver on another, every byte verified",
  );
  return addMachineOptions(command, {
    disk: "serve this file (never changed without --write)",
    write: "allow the pattern test to write to --disk; what was there is put back afterwards",
    device: "add a device: a name, or the path of a module of yours",
  })
    .addOption(
      new Option("--counterpart <whose>", "whose devices the guest gets")
        .choices([...COUNTERPARTS])
        .default("virtlab"),
    )
    .option("--detect-races", "hold every shared access against the definition of a data race (slow)")
    .option("--plain-site <labels>", "with --detect-races: atomic accesses of these sites are plain ones")
    .addHelpText("after", HELP)
    .action(async (options: RunOptions) => {
      if (options.plainSite !== undefined && !options.detectRaces) {
        throw new UsageError("--plain-site goes with --detect-races");
      }
      process.exitCode = options.detectRaces
        ? await runWatchedForRaces(options)
        : await runMachine(options, counterpart(options));
    });
}

async function runWatchedForRaces(options: RunOptions): Promise<number> {
  if (options.counterpart === "qemu")
    throw new UsageError("--detect-races: QEMU's threads cannot be watched");
  const labels = (options.plainSite ?? "").split(",").filter((label) => label !== "");
  const races = new LiveRaces(labels.map((label) => oneOf("--plain-site", label, SITE_LABELS)));
  try {
    return await runMachine(options, {
      start: (description) => Machine.start(races.watched(description)),
      protection: "read-only",
      races: () => races.finish(),
    });
  } finally {
    await races.end();
  }
}

const counterpart = (options: RunOptions): Counterpart =>
  options.counterpart === "qemu"
    ? qemuCounterpart({})
    : { start: (description) => Machine.start(description), protection: "read-only" };

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
  virtlab run --guest ./my-program.js --counterpart qemu

A machine description (--config) is the object that Machine.start takes:
  { "memory": "128M", "queueSize": 64, "devices": [ { "type": "blk", "options": { "file": "disk.img" } } ] }`;
