/** The race detector over a live machine: its workers log what they do, and a thread of its own reads along. */
import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { UsageError } from "../../host/device.ts";
import type { MachineDescription } from "../../machine/description.ts";
import { startThread } from "../../machine/thread.ts";
import { AccessLog } from "../../memory/access-log.ts";
import { allocateShared, type SharedBuffer } from "../../memory/attach.ts";
import type { SiteLabel } from "../../wire/sites.ts";
import type { Justified, Race } from "./detector.ts";
import { explainRace } from "./report.ts";

/** What the reading thread says in the end. */
export interface LiveFindings {
  readonly accesses: number;
  readonly races: readonly Race[];
  /** Pairs of places of which at least one is plain, and where the edge between them comes from. */
  readonly justified: readonly Justified[];
  readonly threads: readonly string[];
}

export interface LiveReport extends LiveFindings {
  readonly lines: readonly string[];
}

const PREPARE = new URL(`./live-prepare${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

/** A watched machine is slow: what would be a stall elsewhere is none here. */
const PATIENT = { startMs: 120_000, stallMs: 120_000, portMs: 120_000, ioThreadMs: 120_000, stopMs: 120_000 };

export class LiveRaces {
  readonly #buffer: SharedBuffer;
  readonly #reader: Worker;
  readonly #plain: readonly SiteLabel[];

  /** Atomic accesses of `plain` sites are made plain. */
  constructor(plain: readonly SiteLabel[] = []) {
    this.#buffer = allocateShared(AccessLog.BYTES);
    this.#reader = startThread("races", { log: this.#buffer });
    this.#plain = plain;
  }

  /** The description of a machine that is watched; one machine for each detector. */
  watched(description: MachineDescription): MachineDescription {
    const { watch, prepare } = description;
    if (watch?.monitor === true || (watch?.traceEvents ?? 0) > 0 || prepare !== undefined) {
      throw new UsageError(
        "races are looked for in a machine that nothing else watches: no monitor, no trace",
      );
    }
    return {
      ...description,
      deadlines: { ...PATIENT, ...description.deadlines },
      prepare: { module: PREPARE.href, args: { log: this.#buffer, plain: this.#plain } },
    };
  }

  /** After the machine has stopped. */
  async finish(): Promise<LiveReport> {
    const said = once(this.#reader, "message") as Promise<[LiveFindings]>;
    new AccessLog(this.#buffer).stop();
    const [findings] = await said;
    await this.end();
    const { races, threads } = findings;
    const lines = races.flatMap((race) =>
      explainRace(race, threads, ({ stack = "" }) => (stack === "" ? [] : stack.split("\n"))),
    );
    return { ...findings, lines };
  }

  /** Whatever became of the machine. */
  async end(): Promise<void> {
    await this.#reader.terminate();
  }
}
