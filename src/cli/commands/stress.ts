/** `virtlab stress`: many random machines, every byte verified, until the time is over. */

import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { UsageError } from "../../host/device.ts";
import { oneOf } from "../../machine/description.ts";
import { formatTable } from "../../observe/report/tables.ts";
import { type CampaignReport, runCampaign } from "../../stress/campaign.ts";
import { STRESSED, type Stressed } from "../../stress/swarm.ts";
import { newCommand } from "../command.ts";
import { wholeNumber } from "../device-argument.ts";
import { EXIT } from "../exit-codes.ts";
import { junit } from "../junit.ts";

interface StressOptions {
  seconds: string;
  machines?: string;
  seed?: string;
  only?: string;
  failFast?: boolean;
  junit?: string;
  json?: boolean;
}

export function stressCommand(): Command {
  return newCommand("stress")
    .description("torture: random machines, traffic, resets, suspends and starvation, every byte verified")
    .option("--seconds <n>", "how long", "60")
    .option("--machines <n>", "machines at once (default: half the processors, at least 1)")
    .option("--seed <n>", "seed of the first machine; the next ones count up (default: a new one, printed)")
    .option("--only <devices>", `of ${STRESSED.join(",")}, those to use`)
    .option("--fail-fast", "stop at the first finding")
    .option("--junit <file>", "write findings as JUnit XML")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (options: StressOptions) => {
      process.exitCode = await stress(options);
    });
}

const HELP = `
Each machine has one to four devices with random queue sizes (1 to 32768), features, interrupt tiers and vectors. Its
program sends stamped data through all of them while devices are reset, drivers unbound, functions suspended and masked,
and the guest kept from running now and then. Some actions are switched off entirely in some machines, so that what is
rare in the mix of all is common somewhere. A finding prints the line that repeats its machine.

Examples:
  virtlab stress --seconds 1800 --json
  virtlab stress --only blk,console --machines 2
  virtlab stress --seed 4711 --seconds 1 --machines 1`;

async function stress(options: StressOptions): Promise<number> {
  const seconds = wholeNumber("--seconds", options.seconds);
  const machines =
    options.machines === undefined
      ? Math.max(1, Math.floor(availableParallelism() / 2))
      : wholeNumber("--machines", options.machines);
  if (machines < 1) throw new UsageError("--machines: expected at least 1, got 0");
  const seed =
    options.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : wholeNumber("--seed", options.seed);
  const only = options.only?.split(",").map((name): Stressed => oneOf("--only", name, STRESSED));
  if (options.junit !== undefined) claim(options.junit);
  const live = process.stderr.isTTY && options.json !== true;
  const report = await runCampaign({
    seconds,
    machines,
    seed,
    failFast: options.failFast ?? false,
    ...(only !== undefined && { only }),
    ...(live && { onProgress: showLive }),
  });
  if (live) process.stderr.write("\n");
  if (options.junit !== undefined) writeFileSync(options.junit, junit(report));
  process.stdout.write(
    `${options.json ? JSON.stringify({ seed, ...report }, null, 2) : asText(seed, report)}\n`,
  );
  return report.findings.length > 0 ? EXIT.finding : EXIT.fine;
}

/** Said before the run, not after half an hour of it. */
function claim(file: string): void {
  try {
    writeFileSync(file, "");
  } catch (error) {
    throw new UsageError(`--junit ${file}: cannot be written: ${(error as Error).message}`);
  }
}

function showLive(report: CampaignReport): void {
  const rate = Math.round(report.actions / report.seconds);
  process.stderr.write(
    `\r${report.machines} machines, ${rate} actions/s, ${report.bytesVerified} bytes verified, ` +
      `${report.kicks} kicks, ${report.interrupts} interrupts, ${report.findings.length} findings `,
  );
}

function asText(seed: number, report: CampaignReport): string {
  const rows = [
    ["machines", report.machines],
    ["actions", report.actions],
    ...Object.entries(report.byAction).map(([name, count]) => [`  ${name}`, count]),
    ["bytes verified", report.bytesVerified],
    ["kicks", report.kicks],
    ["interrupts", report.interrupts],
    ["memory gained per minute", Math.round(report.heapSlope)],
    ["handles gained per minute", Math.round(report.handleSlope * 100) / 100],
  ];
  const findings = report.findings.map(
    (finding) =>
      `finding: ${finding.what}\n${finding.detail}\nagain: virtlab stress --seed ${finding.seed} --seconds 1 --machines 1`,
  );
  const verdict = `verdict: ${report.findings.length} findings in ${report.seconds.toFixed(1)} s (seed ${seed})`;
  return [formatTable([], rows), ...findings, verdict].join("\n\n");
}
