/** `virtlab attack device|driver`: a hostile peer against ours, or against a user's. */
import type { Command } from "commander";
import { devices } from "../../devices/index.ts";
import { UsageError } from "../../host/device.ts";
import { oneOf } from "../../machine/description.ts";
import { checkOptions, findDevice } from "../../machine/devices.ts";
import { formatTable } from "../../observe/report/tables.ts";
import type { AttackFinding, AttackOptions, AttackReport } from "../../stress/attack/attack.ts";
import { attackDevice } from "../../stress/attack/attack-device.ts";
import { attackDriver } from "../../stress/attack/attack-driver.ts";
import { Coverage } from "../../stress/attack/coverage.ts";
import { newCommand } from "../command.ts";
import { Corpus } from "../corpus.ts";
import { parseDevice } from "../device-argument.ts";
import { EXIT } from "../exit-codes.ts";
import { untilInterrupted } from "../interrupt.ts";
import { seedNumber, wholeNumber } from "../numbers.ts";
import { Progress } from "../progress.ts";

const ATTACKS = { device: attackDevice, driver: attackDriver } as const;
/** Small enough that reaching past the end is likely. */
const DEFAULT_OPTIONS: Readonly<Record<string, Record<string, string>>> = { blk: { size: "1M" } };

interface AttackCliOptions {
  inputs: string;
  seed?: string;
  corpus?: string;
  round?: string;
  only?: string;
  json?: boolean;
}

export function attackCommand(): Command {
  return newCommand("attack")
    .description("attack a device with a hostile driver, or a driver with a hostile device")
    .argument("<what>", "device or driver")
    .argument(
      "[devices...]",
      "NAME[,key=value…], or a module; `driver` means the driver that binds to it (default: all)",
    )
    .option("--inputs <n>", "malformed inputs for each", "200000")
    .option("--seed <n>", "repeats an attack (default: a new one, printed)")
    .option("--corpus <file>", "run the rounds in it first; add those that reach new code, or fail")
    .option("--round <seed>", "this round alone")
    .option("--only <inputs>", "of that round, these inputs: 3,17,99")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (what: string, names: string[], options: AttackCliOptions) => {
      process.exitCode = await untilInterrupted((signal) => attack(what, names, options, signal));
    });
}

const HELP = `
A hostile driver writes registers in any order and width, sets queues up in odd places, and makes chains with loops,
addresses outside RAM and indices that jump. A device may report violations; it must not throw, hang, or touch anything
outside guest RAM, and after a reset it must be usable. A hostile device lies in registers, completes what it was not
given, scribbles over rings, interrupts at random and vanishes. A driver must end every request once, throw nothing
and give back all that it took.

Examples:
  virtlab attack device blk --inputs 1000000
  virtlab attack driver --seed 7
  virtlab attack device ./my-device.js --json`;

async function attack(
  what: string,
  names: readonly string[],
  options: AttackCliOptions,
  signal: AbortSignal,
): Promise<number> {
  const run = ATTACKS[oneOf("attack", what, ["device", "driver"])];
  const inputs = wholeNumber("--inputs", options.inputs, 1);
  const seed =
    options.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : seedNumber("--seed", options.seed);
  const only = onlyOf(options);
  const corpus = options.corpus === undefined ? undefined : new Corpus(options.corpus);
  const coverage = corpus === undefined ? undefined : await Coverage.start();
  const attacked: Attacked[] = [];
  const progress = new Progress(options.json !== true);
  for (const name of names.length > 0 ? names : Object.keys(devices)) {
    if (signal.aborted) break;
    const device = parseDevice(name);
    const definition = await findDevice(device.type);
    const given = { ...DEFAULT_OPTIONS[definition.name], ...device.options };
    const report = (done: number) => progress.update(definition.name, done, inputs);
    const told = await run({
      definition,
      options: checkOptions(definition, given),
      seed,
      inputs,
      progress: report,
      signal,
      ...(only && { only }),
      ...(coverage && { coverage }),
      ...(corpus && {
        corpus: corpus.rounds(what, definition.name),
        keep: (round, why) => corpus.add({ attack: what, device: definition.name, round, why }),
      }),
    });
    attacked.push({ word: name, report: told });
  }
  coverage?.stop();
  progress.stop();
  const reports = attacked.map(({ report }) => report);
  const text = options.json
    ? JSON.stringify({ attack: what, seed, reports }, null, 2)
    : asText(what, seed, attacked, options);
  process.stdout.write(`${text}\n`);
  return reports.some(({ finding }) => finding !== null) ? EXIT.finding : EXIT.fine;
}

function onlyOf({ round, only }: AttackCliOptions): AttackOptions["only"] {
  if (round === undefined) {
    if (only !== undefined) throw new UsageError("--only goes with --round");
    return undefined;
  }
  const inputs = (only?.split(",") ?? []).map((input) => wholeNumber("--only", input));
  return { round: seedNumber("--round", round), inputs };
}

interface Attacked {
  /** As it was given: a name or a module, with options. */
  readonly word: string;
  readonly report: AttackReport;
}

/** As short as it could be made; else the same attack up to there, wherever its rounds came from. */
function again(
  line: string,
  { input, round, shrunk }: AttackFinding,
  { corpus, round: wanted, only }: AttackCliOptions,
): string {
  if (shrunk !== null) return `${line} --round ${round} --only ${shrunk.join(",")}`;
  const from = Object.entries({ corpus, round: wanted, only }).filter(([, value]) => value !== undefined);
  return [line, ...from.map(([name, value]) => `--${name} ${value}`), `--inputs ${input + 1}`].join(" ");
}

function asText(
  what: string,
  seed: number,
  attacked: readonly Attacked[],
  options: AttackCliOptions,
): string {
  const rows = attacked.map(({ report }) => [
    report.device,
    report.inputs,
    report.seconds.toFixed(1),
    report.proofs,
    Object.values(report.violations).reduce((sum, count) => sum + count, 0),
    report.finding?.what ?? "nothing found",
  ]);
  const findings = attacked.flatMap(({ word, report: { finding } }) => {
    if (finding === null) return [];
    const line = again(`virtlab attack ${what} ${word} --seed ${seed}`, finding, options);
    return [`${finding.stack}\nagain: ${line}`];
  });
  const head = [what, "inputs", "seconds", "proofs", "violations", "finding"];
  return [formatTable(head, rows), `seed ${seed}`, ...findings].join("\n\n");
}
