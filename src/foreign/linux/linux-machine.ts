/**
 * Linux on our devices: an unmodified kernel in an emulated PC whose virtio devices are those of `virtlab run`. It
 * boots with the devices in place, or comes out of a snapshot and has them plugged in.
 */
import { readFile } from "node:fs/promises";
import { type DeviceModel, UsageError } from "../../host/device.ts";
import type { Host } from "../../host/host.ts";
import type { AddDeviceOptions, VirtioFunction } from "../../host/virtio-function.ts";
import { runDeviceCommand } from "../../machine/device-command.ts";
import { Log } from "../../machine/log.ts";
import { Monitor, type MonitorReport, monitorReport } from "../../monitor/monitor.ts";
import type { Observer, ObserverOptions } from "../../monitor/observer.ts";
import { Agent, LinuxEnded, LinuxError, type ScriptResult } from "./agent.ts";
import { keyOf } from "./cache.ts";
import { buildInitramfs } from "./initramfs.ts";
import { PcHost, type PcHostOptions } from "./pc-host.ts";
import { SerialLine } from "./serial.ts";
import { loadSnapshot, saveSnapshot, snapshotFile } from "./snapshot.ts";
import type { SystemFiles } from "./system-files.ts";
import { newV86, type V86, type V86Options, v86Version } from "./v86.ts";

const COMMAND_LINE = "console=ttyS0 quiet cryptomgr.notests noisapnp nokaslr mitigations=off";
/** Changes with whatever of ours the firmware has seen at boot. */
const PC_VERSION = 2;
const MIB = 2 ** 20;
const DEFAULT_MEMORY = 128 * MIB;
const MEMORY_MAX_MIB = 2048;
const INITRD_AT_MIB = 64;
/** What a kernel says when it stops, whatever its log level. */
const LAST_WORDS = /\[ *\d+\.\d+\] ((?:Kernel panic - not syncing|reboot): .*)/;
const BOOT_MS = 180_000;
const RUN_MS = 120_000;

export interface LinuxOptions {
  readonly files: SystemFiles;
  readonly devices: readonly AddDeviceOptions[];
  readonly memory?: number | undefined;
  /** Without it interrupts go through the 8259 alone, there is no MSI-X, and nothing can be plugged in later. */
  readonly acpi?: boolean;
  /** Make or use a snapshot. */
  readonly snapshot?: boolean;
  readonly bootMs?: number | undefined;
  readonly intercept?: PcHostOptions["intercept"];
  readonly wrapRam?: PcHostOptions["wrapRam"];
  /** Check the specification's statements: Linux's drivers, and our devices. */
  readonly monitor?: boolean;
  /** What the user may want to know, as it happens. */
  readonly note?: (message: string) => void;
  /** The console's output from the first byte on. */
  readonly onConsole?: (bytes: Uint8Array) => void;
}

export class LinuxMachine {
  readonly agent: Agent;
  /** The console: a shell. */
  readonly console: SerialLine;
  readonly violations: string[] = [];
  readonly log = new Log();
  /** Whether this machine came out of a snapshot. */
  restored = false;
  readonly #emulator: V86;
  readonly #pc: PcHost;
  /** Rejects when Linux has come to its end, or something under it has: the emulator, a device of ours. */
  readonly broken: Promise<never>;
  #monitor: Monitor | undefined;
  #lastLine = "";
  readonly #models = new Set<DeviceModel>();
  #stopped = false;

  static async start(options: LinuxOptions): Promise<LinuxMachine> {
    let machine: LinuxMachine | undefined;
    try {
      const pc = await pcOptions(options);
      machine = new LinuxMachine(await newV86(pc), options);
      await machine.#boot(options, pc);
      return machine;
    } catch (error) {
      await machine?.stop();
      await closeAll(options.devices, machine);
      throw error;
    }
  }

  private constructor(emulator: V86, options: LinuxOptions) {
    this.#emulator = emulator;
    let fail: (error: unknown) => void = () => {};
    this.broken = new Promise((_, reject) => {
      fail = reject;
    });
    this.broken.catch(() => undefined);
    this.#pc = new PcHost(emulator.v86.cpu, {
      violated: ({ device, kind, detail }) => this.violations.push(`${device}: ${kind}: ${detail}`),
      log: (message) => this.log.add(message),
      intercept: options.intercept,
      wrapRam: options.wrapRam,
      watch: options.monitor ? (seen) => this.#watch(seen) : undefined,
      failed: fail,
    });
    guardTicks(emulator, fail);
    this.console = new SerialLine(emulator, 0);
    this.console.onLine = (line) => this.#heard(line, fail);
    if (options.onConsole !== undefined) this.console.onBytes = options.onConsole;
    this.agent = new Agent(new SerialLine(emulator, 1));
  }

  get host(): Host {
    return this.#pc.host;
  }

  /** What the monitor has found so far; null without one. */
  get monitor(): MonitorReport | null {
    return monitorReport([this.#monitor?.findings]);
  }

  /** Runs a shell script in the guest. Rejects with `LinuxError` when it has not ended in time. */
  run(script: string, deadlineMs = RUN_MS): Promise<ScriptResult> {
    return Promise.race([this.agent.run(script, deadlineMs), this.broken]);
  }

  /** As `run`; a status other than 0 is an error. */
  async check(script: string, deadlineMs = RUN_MS): Promise<string> {
    const { status, output } = await this.run(script, deadlineMs);
    if (status !== 0) throw new LinuxError(`status ${status} of: ${script}\n${output}`);
    return output;
  }

  deviceCommand(device: number | string, command: string, ...args: string[]): Promise<unknown> {
    return runDeviceCommand(this.host.functions, { device, command, args });
  }

  /** Plugs a device in, and tells Linux by ACPI. */
  plug(device: AddDeviceOptions): VirtioFunction {
    const added = this.host.plug(device);
    this.#pc.configured();
    return added;
  }

  /** Pulls a device out, and tells Linux. */
  async unplug(removed: VirtioFunction): Promise<void> {
    await this.host.unplug(removed);
    this.#pc.configured();
  }

  /** Asks Linux for a device; resolves when it has let go of it. */
  async requestUnplug(removed: VirtioFunction): Promise<void> {
    await this.host.requestUnplug(removed);
    this.#pc.configured();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.agent.abandon();
    await this.#emulator.destroy();
    await this.#pc.close();
  }

  /** Whether the host has, or had, this model: then it closes it. */
  had(model: DeviceModel): boolean {
    return this.#models.has(model);
  }

  #watch(seen: ObserverOptions): Observer {
    this.#monitor = new Monitor(seen);
    return this.#monitor.observer;
  }

  #add(devices: readonly AddDeviceOptions[]): void {
    for (const device of devices) {
      this.#models.add(device.model);
      this.host.addDevice(device);
    }
  }

  async #boot(options: LinuxOptions, pc: V86Options): Promise<void> {
    if (!options.snapshot) {
      this.#add(options.devices);
      await this.#firstBoot(options);
      return;
    }
    const file = snapshotFile(await snapshotKey(pc));
    const found = await loadSnapshot(file);
    if (found === "damaged") options.note?.(`the snapshot ${file} is damaged: booting anew`);
    if (typeof found === "object") {
      await this.#emulator.restore_state(found.state);
      this.restored = true;
      await this.#emulator.run();
    } else {
      await this.#firstBoot(options);
      const kept = await saveSnapshot(file, await this.#emulator.save_state());
      options.note?.(kept === undefined ? `snapshot made: ${file}` : `no snapshot made: ${kept}`);
    }
    this.#add(options.devices);
    if (options.devices.length > 0) await this.check("echo 1 >/sys/bus/pci/rescan");
  }

  async #firstBoot({ bootMs = BOOT_MS, files }: LinuxOptions): Promise<void> {
    const described = () =>
      this.#lastLine === "" ? "" : `; the last line on its console: ${this.#lastLine}`;
    const ready = this.agent.ready(bootMs, described);
    ready.catch(() => undefined);
    await this.#emulator.run();
    // A file system of the user's has no agent to wait for.
    if (files.initrd === undefined) await Promise.race([ready, this.broken]);
  }

  #heard(line: string, fail: (error: unknown) => void): void {
    if (line.trim() !== "") this.#lastLine = line.trim();
    const last = LAST_WORDS.exec(line)?.[1];
    if (last === undefined) return;
    const Kind = last.startsWith("reboot") ? LinuxEnded : LinuxError;
    fail(new Kind(`Linux has ended: ${last.trim()}`));
  }
}

/** What v86 throws, it throws into nowhere: it does not do all that a processor does. */
function guardTicks(emulator: V86, fail: (error: unknown) => void): void {
  const { v86 } = emulator;
  const tick = v86.do_tick.bind(v86);
  v86.do_tick = () => {
    try {
      tick();
    } catch (error) {
      fail(new LinuxError(`the emulator cannot go on: ${(error as Error).message}`));
      // It waits for one more turn before it counts as stopped.
      void emulator.stop();
      tick();
    }
  };
}

/** Devices that no host has closed, because none got them. */
async function closeAll(
  devices: readonly AddDeviceOptions[],
  machine: LinuxMachine | undefined,
): Promise<void> {
  for (const { model } of devices) if (!machine?.had(model)) await model.close?.();
}

async function pcOptions(options: LinuxOptions): Promise<V86Options> {
  const { files, memory = DEFAULT_MEMORY, acpi = true } = options;
  const initrd =
    files.initrd === undefined
      ? await buildInitramfs(files.busybox, files.modules)
      : await readFile(files.initrd);
  checkMemory(memory, initrd.byteLength);
  return {
    memory,
    acpi,
    bios: await readFile(files.bios),
    kernel: await readFile(files.kernel),
    initrd,
    commandLine: COMMAND_LINE,
  };
}

/** v86 puts the first file system at 64 MiB, and has 2 GiB at most. */
function checkMemory(bytes: number, initrdBytes: number): void {
  const least = Math.ceil(INITRD_AT_MIB + initrdBytes / MIB);
  if (bytes >= least * MIB && bytes <= MEMORY_MAX_MIB * MIB) return;
  throw new UsageError(`memory: expected ${least}M to ${MEMORY_MAX_MIB}M, got ${bytes} bytes`);
}

/** Whatever the machine has been made of; the first file system has busybox, the modules and our scripts in it. */
const snapshotKey = async (pc: V86Options): Promise<string> =>
  keyOf(
    PC_VERSION,
    await v86Version(),
    pc.bios,
    pc.kernel ?? "",
    pc.initrd ?? "",
    pc.commandLine,
    pc.memory,
    pc.acpi,
  );
