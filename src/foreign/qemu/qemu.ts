/** A QEMU that waits for its guest: scratch folder, process and monitor, started and ended together. */
import type { MachineSpec } from "../../machine/description.ts";
import { runCommand } from "../../machine/device-command.ts";
import { fileBytes, preparePaths, type QemuOptions, type QemuPaths, qemuArgs } from "./command-line.ts";
import { commandTargets } from "./commands.ts";
import { diskBytes } from "./disk-image.ts";
import type { QemuProgram } from "./find-qemu.ts";
import { QemuProcess } from "./qemu-process.ts";
import { Qmp } from "./qmp.ts";
import { Scratch } from "./scratch.ts";

export interface QemuLaunch extends QemuOptions {
  readonly program: QemuProgram;
  /** QEMU is killed after that. */
  readonly lifeSeconds: number;
}

export class Qemu {
  readonly paths: QemuPaths;
  readonly process: QemuProcess;
  readonly #spec: MachineSpec;
  readonly #scratch: Scratch;
  #qmp: Promise<Qmp> | undefined;

  constructor(spec: MachineSpec, launch: QemuLaunch) {
    this.#spec = spec;
    this.#scratch = new Scratch(
      fileBytes(spec) + spec.devices.reduce((sum, device) => sum + diskBytes(device), 0),
    );
    try {
      this.paths = preparePaths(this.#scratch);
      const args = qemuArgs(spec, launch, this.#scratch, this.paths);
      this.process = new QemuProcess(launch.program.path, args, launch.lifeSeconds);
    } catch (error) {
      this.#scratch.remove();
      throw error;
    }
  }

  /** A file of a device in the scratch folder, e.g. the socket behind a console: "d0.sock". */
  path(name: string): string {
    return this.#scratch.path(name);
  }

  /** The monitor, connected at the first call. */
  qmp(): Promise<Qmp> {
    this.#qmp ??= Qmp.connect(this.paths.qmp);
    return this.#qmp;
  }

  deviceCommand(device: number | string, command: string, ...args: string[]): Promise<unknown> {
    const targets = commandTargets(this.#spec.devices, fileBytes(this.#spec), () => this.qmp());
    return runCommand(targets, { device, command, args });
  }

  async end(): Promise<void> {
    await this.#qmp?.then((qmp) => qmp.close()).catch(() => undefined);
    await this.process.kill();
    this.#scratch.remove();
  }
}
