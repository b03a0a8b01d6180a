/**
 * A machine whose devices are QEMU's: a guest worker here, a QEMU process there. Used like `Machine`, and with the same
 * reports; "host" is null in them, for there is no host of ours.
 */
import { UsageError } from "../../host/device.ts";
import { Side } from "../../machine/control.ts";
import {
  checkDescription,
  type DeviceSpec,
  type MachineDescription,
  type MachineSpec,
} from "../../machine/description.ts";
import { MachineError, unwrap } from "../../machine/fault.ts";
import type { GuestService, Outcome } from "../../machine/protocol.ts";
import {
  describeSide,
  type OnProgress,
  type Run,
  type RunnableMachine,
  type RunReport,
  reportOf,
  runProgram,
  withinDeadline,
} from "../../machine/run.ts";
import { moduleUrl } from "../../machine/thread.ts";
import { DEFAULT_RAM_BASE } from "../../memory/ram.ts";
import type { ChipsetName } from "./chipset.ts";
import { findQemu, type QemuProgram } from "./find-qemu.ts";
import type { QemuGuestParts } from "./guest-side.ts";
import { Qemu } from "./qemu.ts";

export interface QemuMachineOptions {
  readonly chipset?: ChipsetName;
  readonly transitional?: boolean;
  readonly program?: QemuProgram;
}

/** Longer than any run, so that a QEMU that was forgotten ends some day. */
const LIFE_SECONDS = 86_400;
/** Above it a PC's memory has a hole. */
const MAX_MEMORY = 2 ** 31;
/** A guest notices QEMU's death a little before the process has been reaped. */
const REAP_MS = 1000;

export class QemuMachine implements RunnableMachine {
  readonly spec: MachineSpec;
  onProgress: OnProgress = () => undefined;
  readonly #name: string;
  readonly #qemu: Qemu;
  readonly #guest: Side<GuestService>;
  /** Rejects when QEMU has ended by itself. */
  readonly #gone: Promise<never>;
  #ended = false;

  /** Starts QEMU, enumerates its bus and binds the drivers. */
  static async start(
    description: MachineDescription,
    options: QemuMachineOptions = {},
  ): Promise<QemuMachine> {
    const machine = new QemuMachine(checkQemuDescription(description), options);
    try {
      await withinDeadline("startMs", machine.spec.deadlines.startMs, machine.#boot());
      return machine;
    } catch (error) {
      await machine.end();
      throw error;
    }
  }

  private constructor(spec: MachineSpec, options: QemuMachineOptions) {
    const { chipset = "pc", transitional = false, program = findQemu() } = options;
    this.spec = spec;
    this.#name = `QEMU ${program.version} (${chipset})`;
    this.#qemu = new Qemu(spec, { program, chipset, transitional, lifeSeconds: LIFE_SECONDS });
    this.#gone = this.#qemu.process.gone.catch((error: Error) => {
      throw new MachineError({ kind: "counterpart", message: error.message, stack: error.message });
    });
    this.#gone.catch(() => undefined);
    const parts: QemuGuestParts = { spec, chipset, paths: this.#qemu.paths };
    this.#guest = new Side("qemu-guest", parts);
  }

  /** As `Machine.run`. */
  async run(program: string | URL, args: unknown = null): Promise<RunReport> {
    const run = await runProgram(
      this.#guest,
      { module: moduleUrl(program), args },
      {
        stallMs: this.spec.deadlines.stallMs,
        onProgress: (label, done, total) => this.onProgress(label, done, total),
        gone: [this.#gone],
      },
    );
    return reportOf(this.#name, await this.#blame(run), null, await describeSide(this.#guest));
  }

  /** As `Machine.deviceCommand`. */
  deviceCommand(device: number | string, command: string, ...args: string[]): Promise<unknown> {
    return this.#qemu.deviceCommand(device, command, ...args);
  }

  async stop(): Promise<void> {
    await this.end();
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    // QEMU first: a guest that is blocked on it would not end.
    await this.#qemu.end();
    await this.#guest.end();
  }

  async #boot(): Promise<void> {
    try {
      await this.#alive(this.#guest.ready);
      unwrap(await this.#alive<Outcome<null>>(this.#guest.service.start()));
    } catch (error) {
      await this.#reaped();
      const { process } = this.#qemu;
      if (process.refused) throw new UsageError(process.describeEnd());
      if (process.running) throw error;
      // Killed: nobody's command line is to blame.
      return this.#gone;
    }
  }

  #alive<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#guest.gone, this.#gone]);
  }

  /** What the guest ran into is QEMU's end, where QEMU has ended. */
  async #blame(run: Run): Promise<Run> {
    if (!(run.error instanceof MachineError) || run.error.fault.kind !== "counterpart") return run;
    await this.#reaped();
    if (this.#qemu.process.running) return run;
    return { ...run, error: await this.#gone.catch((error: MachineError) => error) };
  }

  #reaped(): Promise<void> {
    const waited = new Promise<void>((resolve) => setTimeout(resolve, REAP_MS));
    return Promise.race([this.#gone.catch(() => undefined), waited]);
  }
}

function checkQemuDescription(description: MachineDescription): MachineSpec {
  const spec = checkDescription(description);
  if (spec.memory > MAX_MEMORY) throw new UsageError("memory: with QEMU at most 2G");
  if (spec.cpus > 1) throw new UsageError("cpus: with QEMU always 1");
  if (spec.ioThreads > 0) throw new UsageError("ioThreads: with QEMU always 0");
  if (spec.memoryBase !== DEFAULT_RAM_BASE) throw new UsageError("memoryBase: with QEMU always 1 MiB");
  return { ...spec, devices: spec.devices.map(withQemuDefaults) };
}

/** Where QEMU's default is another than ours, the description says so: whoever plans by it shall not be misled. */
function withQemuDefaults(device: DeviceSpec): DeviceSpec {
  const { backend, listen, connect } = device.options;
  if (device.type !== "net" || backend !== undefined) return device;
  const theirs = listen === undefined && connect === undefined ? "hub" : "socket";
  return { ...device, options: { ...device.options, backend: theirs } };
}
