/** One episode: a machine, its program, the hand that interferes, and what was found. Runs in a thread of a pool. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceDescription } from "../../machine/description.ts";
import { Machine } from "../../machine/machine.ts";
import { type Recordings, type RunReport, withinDeadline } from "../../machine/run.ts";
import type { Snapshot } from "../../machine/snapshot.ts";
import { allocateShared, type SharedBuffer } from "../../memory/attach.ts";
import { LiveMemory } from "../../memory/live-memory.ts";
import { breaksMust } from "../../monitor/monitor.ts";
import { PLANTS, PROGRAM } from "../modules.ts";
import { toldTooOften, whyStalled } from "./diagnosis.ts";
import { DiskLedger, REGION_BYTES } from "./disk-ledger.ts";
import { type Footprint, footprint } from "./footprint.ts";
import type { ProgramArguments } from "./mounts.ts";
import { Operator } from "./operator.ts";
import type { EpisodeResult } from "./program.ts";
import { DISK_BYTES, SCRATCH } from "./random-device.ts";
import type { Episode } from "./swarm.ts";

export interface EpisodeFinding {
  readonly what: string;
  readonly detail: string;
  /** Of what was thrown, with its message; null: nothing was. */
  readonly stack: string | null;
}

export interface EpisodeReport {
  readonly seed: number;
  readonly finding: EpisodeFinding | null;
  readonly bytesVerified: number;
  readonly byAction: Readonly<Record<string, number>>;
  readonly kicks: number;
  readonly interrupts: number;
  /** It was ended before its end: nothing is known of it. */
  readonly cutShort: boolean;
  /** Of a finding, where a trace was asked for. */
  readonly recordings: Recordings | null;
  /** Of this thread, when everything of the episode is gone. */
  readonly footprint: Footprint;
}

/** The program is over; the hand puts back what it has out. */
const OPERATOR_MS = 60_000;

/** `cut` ends it before its end; its files are in `folder` meanwhile. */
export async function runEpisode(
  episode: Episode,
  cut: Promise<unknown> = new Promise(() => {}),
  folder = tmpdir(),
): Promise<EpisodeReport> {
  const report = await runAndEnd(episode, cut, folder);
  return { ...report, footprint: footprint() };
}

async function runAndEnd(
  episode: Episode,
  cut: Promise<unknown>,
  folder: string,
): Promise<Omit<EpisodeReport, "footprint">> {
  const run = new EpisodeRunner(episode, folder);
  const whole = run.run();
  // What becomes of one that is cut short is of no interest any more.
  whole.catch(() => undefined);
  try {
    return await Promise.race([whole, cut.then(() => nothingKnown(episode))]);
  } finally {
    await run.end();
  }
}

const nothingKnown = ({ seed }: Episode): Omit<EpisodeReport, "footprint"> => ({
  seed,
  finding: null,
  bytesVerified: 0,
  byAction: {},
  kicks: 0,
  interrupts: 0,
  cutShort: true,
  recordings: null,
});

/** What a thread of the pool is given. */
export interface EpisodeTask {
  readonly episode: Episode;
  readonly limitMs: number;
  /** A word; it is rung, and no longer 0, when the episode is to end at once. */
  readonly cut: SharedBuffer;
  /** Where its files may be. */
  readonly folder: string;
}

export default async function runTask({
  episode,
  limitMs,
  cut,
  folder,
}: EpisodeTask): Promise<EpisodeReport> {
  const word = new LiveMemory(cut);
  const rung = Promise.resolve(word.waitAsync32(0, 0, limitMs, 0));
  try {
    return await runEpisode(episode, rung, folder);
  } finally {
    // Nobody waits for it any more.
    word.notify32(0, 0);
  }
}

class EpisodeRunner {
  readonly #episode: Episode;
  readonly #ledgers: readonly DiskLedger[];
  readonly #folder: string;
  readonly #devices: readonly DeviceDescription[];
  #starting: Promise<Machine> | undefined;
  #machine: Machine | undefined;
  #operator: Operator | undefined;
  #recordings: Recordings | null = null;

  constructor(episode: Episode, parent: string) {
    this.#episode = episode;
    this.#folder = mkdtempSync(join(parent, "virtlab-machine-"));
    this.#ledgers = episode.devices.map(() => DiskLedger.allocate(DISK_BYTES));
    this.#devices = (episode.machine.devices ?? []).map((device, index) => this.#withScratch(device, index));
  }

  async run(): Promise<Omit<EpisodeReport, "footprint">> {
    let report: RunReport | undefined;
    let finding: EpisodeReport["finding"] = null;
    try {
      report = await this.#live();
      finding = await this.#judge(report);
      this.#recordings = finding === null ? null : (this.#machine?.recordings() ?? null);
      if (finding === null) finding = await this.#stop();
    } catch (error) {
      const { message, stack } = error as Error;
      finding = { what: message, detail: stack ?? message, stack: stack ?? null };
      this.#recordings = this.#machine?.recordings() ?? null;
    }
    const result = report?.result as EpisodeResult | null | undefined;
    const totals = report?.guest?.totals;
    return {
      seed: this.#episode.seed,
      finding,
      bytesVerified: result?.bytesVerified ?? 0,
      byAction: { ...result?.byAction, ...Object.fromEntries(this.#operator?.byDeed ?? []) },
      kicks: totals?.kicksSent ?? 0,
      interrupts: totals?.interruptsTaken ?? 0,
      cutShort: false,
      recordings: this.#recordings,
    };
  }

  /** Whatever it is doing. */
  async end(): Promise<void> {
    this.#operator?.stop();
    const machine = await this.#starting?.catch(() => undefined);
    await machine?.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #live(): Promise<RunReport> {
    const { machine: description, plants } = this.#episode;
    const prepare = Object.keys(plants).length === 0 ? {} : { prepare: { module: PLANTS, args: plants } };
    this.#starting = Machine.start({ ...description, ...prepare, devices: this.#devices });
    const machine = await this.#starting;
    this.#machine = machine;
    const resting = allocateShared(4);
    this.#operator = new Operator(machine, this.#episode, this.#devices, new LiveMemory(resting));
    const args: ProgramArguments = {
      episode: this.#episode,
      ledgers: this.#ledgers.map(({ buffer }) => buffer),
      resting,
    };
    const operator = this.#operator;
    const interference = operator.run();
    // Looked at below: nobody else awaits it while the program runs.
    interference.catch(() => undefined);
    const report = await machine.run(PROGRAM, args);
    operator.stop();
    if (report.verdict === "completed" || operator.killedGuest)
      await withinDeadline("operator", OPERATOR_MS, interference);
    return report;
  }

  async #judge(report: RunReport): Promise<EpisodeReport["finding"]> {
    const detail = JSON.stringify({ ...report, result: undefined });
    if (report.verdict === "crashed" && this.#operator?.killedGuest) return null;
    if (report.verdict !== "completed") {
      const why = report.verdict === "stalled" ? await this.#whyStalled(report) : [];
      const what = [`${report.verdict}: ${report.reason}`, ...why].join("; ");
      return { what, detail, stack: report.fault?.stack ?? null };
    }
    const breach = report.monitor?.findings.find(breaksMust);
    if (breach !== undefined)
      return { what: `monitor: ${breach.id} at ${breach.device}: ${breach.detail}`, detail, stack: null };
    const [doubled] = this.#hasOneLife ? toldTooOften(report) : [];
    return doubled === undefined ? null : { what: doubled, detail, stack: null };
  }

  async #whyStalled(report: RunReport): Promise<string[]> {
    const snapshot = (await this.#machine?.controlled.snapshot()) as Snapshot | undefined;
    const trouble = this.#operator?.trouble;
    return [
      ...(snapshot === undefined ? [] : whyStalled(report, snapshot)),
      ...(trouble === undefined ? [] : [trouble]),
    ];
  }

  /** No device was reset, so what both sides counted can be compared. */
  get #hasOneLife(): boolean {
    const { weights, deeds, flaky, plants } = this.#episode;
    const resets =
      weights.reset + weights.rebind + weights.suspend + Object.values(deeds).reduce((a, b) => a + b);
    return resets === 0 && (!flaky || plants.fault !== undefined);
  }

  /** Whatever was killed, the devices close in order, and the disks hold what was written. */
  async #stop(): Promise<EpisodeReport["finding"]> {
    await this.#machine?.stop();
    for (const [index, ledger] of this.#ledgers.entries()) {
      const file = this.#devices[index]?.options?.file;
      if (typeof file !== "string") continue;
      const bytes = readFileSync(file);
      for (let region = 0; region < ledger.regions; region++) {
        const wrong = ledger.check(
          region,
          bytes.subarray(region * REGION_BYTES, (region + 1) * REGION_BYTES),
        );
        if (wrong !== undefined)
          return { what: `after the end, in the file: ${wrong}`, detail: file, stack: null };
      }
    }
    return null;
  }

  #withScratch(device: DeviceDescription, index: number): DeviceDescription {
    if (device.options?.file !== SCRATCH) return device;
    const file = join(this.#folder, `${index}.img`);
    writeFileSync(file, "");
    truncateSync(file, DISK_BYTES);
    return { ...device, options: { ...device.options, file } };
  }
}
