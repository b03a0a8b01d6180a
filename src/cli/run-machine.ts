/** Runs a machine of whatever counterpart as the options say, prints what came of it, and returns the exit code. */
import { UsageError } from "../host/device.ts";
import { type AcceptanceOptions, runAcceptance } from "../machine/acceptance.ts";
import { type RunReport, type StartMachine, workThenStop } from "../machine/run.ts";
import { breaksMust } from "../monitor/monitor.ts";
import { EXIT } from "./exit-codes.ts";
import { describeMachine, type MachineOptions } from "./machine-options.ts";
import { seedNumber } from "./numbers.ts";
import { Progress } from "./progress.ts";
import { acceptanceJson, acceptanceText, programJson, programText } from "./run-report.ts";
import { watchRun } from "./watch-run.ts";

export interface Counterpart {
  readonly start: StartMachine;
  readonly protection: AcceptanceOptions["protection"];
}

export async function runMachine(options: MachineOptions, counterpart: Counterpart): Promise<number> {
  const watched = watchRun(options, counterpart.start);
  const code =
    options.guest === undefined
      ? await acceptance(options, { ...counterpart, start: watched.start })
      : await userProgram(options, options.guest, watched.start);
  return (await watched.finish()) ? code : Math.max(code, EXIT.failure);
}

async function acceptance(options: MachineOptions, { start, protection }: Counterpart): Promise<number> {
  if (options.write && options.disk === undefined) throw new UsageError("--write goes with --disk");
  if (options.disk !== undefined && options.diskSize !== undefined) {
    throw new UsageError("--disk-size is for the memory disk; it cannot go with --disk");
  }
  const progress = new Progress(!options.json);
  const result = await runAcceptance(
    describeMachine(options),
    {
      disk: options.disk,
      diskSize: options.diskSize,
      write: options.write ?? false,
      protection,
      seed: options.seed === undefined ? undefined : seedNumber("--seed", options.seed),
    },
    (label, done, total) => progress.update(label, done, total),
    start,
  );
  progress.stop();
  process.stdout.write(
    `${options.json ? JSON.stringify(acceptanceJson(result), null, 2) : acceptanceText(result)}\n`,
  );
  return exitCode(result.report, result.verified);
}

async function userProgram(options: MachineOptions, guest: string, start: StartMachine): Promise<number> {
  const machine = await start(describeMachine(options));
  const { report } = await workThenStop(machine, async () => ({
    report: await machine.run(guest, options.arg),
  }));
  process.stdout.write(
    `${options.json ? JSON.stringify(programJson(report), null, 2) : programText(report)}\n`,
  );
  if (report.fault !== null && !options.json) process.stderr.write(`${report.fault.stack}\n`);
  return exitCode(report, true);
}

function exitCode({ verdict, fault, monitor }: RunReport, verified: boolean): number {
  if (verdict === "crashed" && fault?.kind !== "counterpart") return EXIT.failure;
  const broken = monitor?.findings.some(breaksMust) ?? false;
  return verdict === "completed" && verified && !broken ? EXIT.fine : EXIT.finding;
}
