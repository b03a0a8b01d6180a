/**
 * `npm run -s bench -- [NAME…] [--smoke] [--json] [--repeat N]`: measures, each bench against a floor or a reference
 * that runs in turn with it.
 */
import { Argument, Command, InvalidArgumentError } from "commander";
import { ablation } from "./ablation.ts";
import { block } from "./block.ts";
import { cell } from "./cell.ts";
import type { Bench, Plan, Result } from "./harness/bench.ts";
import { environment, environmentLine } from "./harness/environment.ts";
import { formatResults } from "./harness/report.ts";
import { hunt } from "./hunt.ts";
import { idle } from "./idle.ts";
import { interrupt } from "./interrupt.ts";
import { ioThreads } from "./io-threads.ts";
import { latency } from "./latency.ts";
import { net } from "./net.ts";
import { port } from "./port.ts";
import { ring } from "./ring.ts";
import { scale } from "./scale.ts";
import { unwatched } from "./unwatched.ts";
import { watch } from "./watch.ts";

const BENCHES: readonly Bench[] = [
  ring,
  latency,
  port,
  interrupt,
  block,
  net,
  idle,
  cell,
  scale,
  ioThreads,
  watch,
  unwatched,
  hunt,
  ablation,
];

const ROUNDS = 9;
const SMOKE_ROUNDS = 2;
const WRONG_USAGE = 2;

interface Options {
  readonly smoke?: boolean;
  readonly json?: boolean;
  readonly repeat?: number;
  readonly case?: string;
}

const names = BENCHES.map(({ name }) => name);
const command = new Command("bench")
  .description(BENCHES.map(({ name, about }) => `${name.padEnd(10)} ${about}`).join("\n"))
  .addArgument(new Argument("[names...]", "which benches to run; all without one").choices(names))
  .option("--smoke", "a few seconds in all: shows that the benches work, says little about speed")
  .option("--json", "results for a script")
  .option("--repeat <n>", `alternations of the two sides (default ${ROUNDS})`, rounds)
  .option("--case <text>", "only the cases whose name contains this")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_USAGE))
  .action(run);
await command.parseAsync();

async function run(chosen: string[], options: Options): Promise<void> {
  const plan = planFor(options);
  const where = await environment();
  const results: Result[] = [];
  if (!options.json) process.stdout.write(`${environmentLine(where)}\n`);
  for (const bench of BENCHES) {
    if (chosen.length > 0 && !chosen.includes(bench.name)) continue;
    const found = await bench.run(plan);
    results.push(...found);
    if (!options.json && found.length > 0)
      process.stdout.write(`\n${bench.name}: ${bench.about}\n${formatResults(found)}\n`);
  }
  if (results.length === 0)
    command.error(`error: expected the name of a case, or a part of it, got "${options.case}"`);
  if (options.json) process.stdout.write(`${JSON.stringify({ environment: where, results }, null, 2)}\n`);
}

function planFor({ smoke = false, repeat, case: text = "" }: Options): Plan {
  return {
    smoke,
    rounds: repeat ?? (smoke ? SMOKE_ROUNDS : ROUNDS),
    scale: (full, small) => (smoke ? small : full),
    wants: (name) => name.includes(text),
    note: (text) => process.stderr.write(process.stderr.isTTY ? `  ${text}\n` : ""),
  };
}

function rounds(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new InvalidArgumentError("expected a whole number from 1");
  return value;
}
