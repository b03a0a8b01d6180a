/** Runs a machine of whatever counterpart as the options say, prints what came of it, and returns the exit code. */
import { UsageError } from "../host/device.ts";
import type { LiveReport } from "../hunt/races/live.ts";
import { type AcceptanceOptions, runAcceptance } from "../machine/acceptance.ts";
import { type RunReport, type StartMachine, workThenStop } from "../machine/run.ts";
import { breaksMust } from "../monitor/monitor.ts";
import { EXIT } from "./exit-codes.ts";
import { liveRacesJson, liveRacesText } from "./live-races.ts";
import { describeMachine, type MachineOptions } from "./machine-options.ts";
import { seedNumber } from "./numbers.ts";
import { Progress } from "./progress.ts";
import { acceptanceJson, acceptanceText, programJson, programText } from "./run-report.ts";
import { watchRun } from "./watch-run.ts";

export interface Counterpart {
  readonly start: StartMachine;
  readonly protection: AcceptanceOptions["protection"];
  /** Of a machine that is watched for races, after it has stopped. */
  readonly races?: () => Promise<LiveReport>;
}

export async function runMachine(options: MachineOptions, counterpart: Counterpart): Promise<number> {
  const watched = watchRun(options, counterpart.start);
  const code =
    options.guest === undefined
      ? await acceptance(options, { ...counterpart, start: watched.start })
      : await userProgram(options, options.guest, { ...counterpart, start: watched.start });
  return (await watched.finish()) ? code : Math.max(code, EXIT.failure);
}

async function acceptance(
  options: MachineOptions,
  { start, protection, races }: Counterpart,
): Promise<number> {
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
  const found = await races?.();
  if (options.json) printJson(acceptanceJson(result), found);
  else printText(acceptanceText(result), found);
  return exitCode(result.report, result.verified, found);
}

async function userProgram(
  options: MachineOptions,
  guest: string,
  { start, races }: Counterpart,
): Promise<number> {
  const machine = await start(describeMachine(options));
  const { report } = await workThenStop(machine, async () => ({
    report: await machine.run(guest, options.arg),
  }));
  const found = await races?.();
  if (options.json) printJson(programJson(report), found);
  else {
    printText(programText(report), found);
    if (report.fault !== null) process.stderr.write(`${report.fault.stack}\n`);
  }
  return exitCode(report, true, found);
}

function printJson(document: object, races: LiveReport | undefined): void {
  const whole = { ...document, ...(races && { races: liveRacesJson(races) }) };
  process.stdout.write(`${JSON.stringify(whole, null, 2)}\n`);
}

function printText(text: string, races: LiveReport | undefined): void {
  process.stdout.write(`${text}\n`);
  if (races !== undefined) process.stderr.write(`${liveRacesText(races)}\n`);
}

function exitCode(
  { verdict, fault, monitor }: RunReport,
  verified: boolean,
  races: LiveReport | undefined,
): number {
  if (verdict === "crashed" && fault?.kind !== "counterpart") return EXIT.failure;
  const broken = monitor?.findings.some(breaksMust) ?? false;
  const racy = (races?.races.length ?? 0) > 0;
  return verdict === "completed" && verified && !broken && !racy ? EXIT.fine : EXIT.finding;
}
