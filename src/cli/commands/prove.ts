/** `virtlab prove`: every interleaving of a small scenario, or what refutes it. */

import type { Command } from "commander";
import { UsageError } from "../../host/device.ts";
import { withLanes } from "../../hunt/lanes.ts";
import { findPlanted, findScenario, type HuntModule, loadHuntModule } from "../../hunt/load.ts";
import { detailsOf } from "../../hunt/proof/matchers.ts";
import { type Proof, type ProofProgress, proveOn, rounded, statement } from "../../hunt/proof/prove.ts";
import { PROVABLE } from "../../hunt/proof/scenarios/index.ts";
import { withoutLetter } from "../../hunt/races/orderings.ts";
import type { Scenario } from "../../hunt/scenario.ts";
import type { WeakSetup } from "../../hunt/thread.ts";
import { DEMOTIONS } from "../../hunt/weak/demotions.ts";
import { WEAKNESSES, type Weakness } from "../../hunt/weak/weak-memory.ts";
import { oneOf } from "../../machine/description.ts";
import { SITE_LABELS } from "../../wire/sites.ts";
import { newCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { untilInterrupted } from "../interrupt.ts";
import { jobsOption } from "../jobs.ts";
import { seconds } from "../numbers.ts";
import { orderingsJson, orderingsTable } from "../orderings.ts";
import { TerminalLine } from "../terminal-line.ts";

interface ProveOptions {
  seconds: string;
  plain?: boolean;
  defect?: string;
  file?: string;
  weak?: string;
  plainSite?: string;
  withoutBarrier?: string;
  races: boolean;
  jobs: number;
  orderings?: boolean;
  json?: boolean;
}

export function proveCommand(): Command {
  return newCommand("prove")
    .description("explore every interleaving of a small scenario: a bounded proof, or what refutes it")
    .argument("[scenarios...]", "scenarios to prove; all: each one that is small enough")
    .option("--seconds <n>", "how long for each", "60")
    .option("--plain", "every single interleaving, rather than one of each class that differs")
    .option("--defect <id>", "with a planted defect")
    .option("--file <module>", "a module that exports a scenario of yours (defineScenario)")
    .option(
      "--plain-site <labels>",
      "atomic accesses of these sites are plain ones: what would be without them",
    )
    .option("--weak <switches>", `memory as weak as the language allows: ${WEAKNESSES.join(", ")}`)
    .option(
      "--without-barrier <id>",
      "as an entry of the catalogue: its barrier missing, its switch on (R01, R14...)",
    )
    .option("--no-races", "oracles only: to see happen what the detector would name first")
    .option("--orderings", "say which ordering letter keeps each plain access from being a race")
    .addOption(jobsOption())
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (names: string[], options: ProveOptions) => {
      process.exitCode = await untilInterrupted((signal) => run(names, options, signal));
    });
}

const NO_FILE: HuntModule = { defects: [], scenarios: [] };

const HELP = `
Exit codes: 0 everything proved, 1 something refuted, 2 something neither (too large for its time), or wrong usage.

Scenarios:
${PROVABLE.map(({ name, summary }) => `  ${name.padEnd(20)} ${summary}`).join("\n")}

Examples:
  virtlab prove publish-2
  virtlab prove all --json
  virtlab prove kick-flags-1 --defect R33
  virtlab prove publish-1 --plain-site "driver: publish avail.idx" --weak store-buffer`;

async function run(names: readonly string[], options: ProveOptions, signal: AbortSignal): Promise<number> {
  const each = seconds("--seconds", options.seconds);
  const weak = weakSetup(options);
  const own = options.file === undefined ? NO_FILE : await loadHuntModule(options.file);
  const scenarios = chosen(names, own);
  const defect = options.defect === undefined ? undefined : findPlanted(options.defect, own.defects).id;
  const results: { proof: Proof; statement: string }[] = [];
  const line = new TerminalLine(options.json !== true);
  await withLanes(options.jobs, async (pool) => {
    for (const scenario of scenarios) {
      if (signal.aborted) break;
      const proof = await proveOn(
        pool,
        { scenario, defect, file: options.file, weak },
        {
          ...{ seconds: each, search: options.plain ? "plain" : "reduced", races: options.races },
          ...{ justify: options.orderings === true, signal },
        },
        (now) => line.show(progressText(scenario.name, now)),
      );
      line.clear();
      results.push({ proof, statement: statement(proof, scenario.summary) });
      if (options.json !== true) print(proof, scenario, options.file);
    }
  });
  if (options.json) {
    const plain = results.map(({ proof: { justified: own, classes, ...proof }, statement: said }) => ({
      ...{ ...proof, classes: classes.length, statement: said },
      ...(options.orderings && { orderings: orderingsJson(own) }),
    }));
    process.stdout.write(`${JSON.stringify(plain, null, 2)}\n`);
  }
  const justified = results.flatMap(({ proof }) => proof.justified);
  if (options.orderings && options.json !== true) process.stdout.write(`${orderingsTable(justified)}\n`);
  if (withoutLetter(justified).length > 0) return EXIT.finding;
  if (results.some(({ proof }) => proof.findings.length > 0)) return EXIT.finding;
  return results.every(({ proof }) => proof.complete) ? EXIT.fine : EXIT.usage;
}

function chosen(names: readonly string[], { scenarios: own }: HuntModule): readonly Scenario[] {
  if (names.length === 0 && own.length > 0) return own;
  if (names.length === 0)
    throw new UsageError("which scenario? virtlab prove --help lists them; all: each of them");
  if (names.length === 1 && names[0] === "all") return PROVABLE;
  return names.map((name) => findScenario(name, own));
}

function weakSetup({ weak, plainSite, withoutBarrier }: ProveOptions): WeakSetup | undefined {
  if (withoutBarrier !== undefined) {
    const entries = DEMOTIONS.map((demotion) => demotion.id);
    const id = oneOf("--without-barrier", withoutBarrier, entries);
    const found = DEMOTIONS.find((demotion) => demotion.id === id);
    return found && { switches: [found.needs], demoted: found.sites };
  }
  if (weak === undefined && plainSite === undefined) return undefined;
  const switches = (weak ?? "").split(",").filter((name) => name !== "");
  const demoted = (plainSite ?? "").split(",").filter((label) => label !== "");
  return {
    switches: switches.map((name): Weakness => oneOf("--weak", name, WEAKNESSES)),
    demoted: demoted.map((label) => oneOf("--plain-site", label, SITE_LABELS)),
  };
}

/** The estimate is of every single interleaving; the search needs one of each class. */
function progressText(name: string, { estimate, executions, share }: ProofProgress): string {
  const size = `about ${rounded(estimate)} interleavings`;
  const done =
    executions === 0 ? "" : `, ${executions} executions, ${(100 * share).toFixed(1)} % of the tree so far`;
  return `${name}: ${size}${done}`;
}

function print(proof: Proof, { summary }: Scenario, file: string | undefined): void {
  const rate = Math.round(proof.executions / Math.max(proof.seconds, 0.001));
  const lines = [
    `${proof.scenario}: about ${rounded(proof.estimate)} interleavings before reduction`,
    statement(proof, summary),
    ...detailsOf(proof, file),
    `${proof.seconds.toFixed(2)} s, ${rate} executions/s`,
  ];
  process.stdout.write(`${lines.join("\n")}\n\n`);
}
