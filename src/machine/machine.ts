/**
 * A machine: two workers over shared memory, started, run and stopped from the main thread. Every wait has a named
 * deadline, and whatever happens ends in a report with a verdict.
 */
import { setTimeout as delay } from "node:timers/promises";
import { attachMemory, type SharedBuffer } from "../memory/attach.ts";
import { EventRing } from "../observe/record/event-ring.ts";
import { Side } from "./control.ts";
import type { Controlled } from "./control-server.ts";
import {
  checkDescription,
  type DeviceDescription,
  type MachineDescription,
  type MachineSpec,
} from "./description.ts";
import { ExtraCpus, portsOf } from "./extra-cpus.ts";
import { unwrap } from "./fault.ts";
import { HostGone } from "./host-gone.ts";
import { IoWorkers, ioPortsOf } from "./io-workers.ts";
import type { GuestService, HostService, HostState, Outcome, SharedParts } from "./protocol.ts";
import {
  accountOf,
  describeSide,
  mergeQueues,
  type OnProgress,
  type Recordings,
  type Run,
  type RunnableMachine,
  type RunReport,
  reportOf,
  runProgram,
  withinDeadline,
} from "./run.ts";
import { type AttachedParts, allocateParts, attachParts, describeControl, powerOff } from "./shared-parts.ts";
import { takeSnapshot } from "./snapshot.ts";
import { moduleUrl } from "./thread.ts";
import { Told } from "./told.ts";

export type { RunReport, Verdict } from "./run.ts";

const ATTEND_MS = 5;

const readEvents = (buffer: SharedBuffer) => new EventRing(attachMemory(buffer)).read();

export class Machine implements RunnableMachine {
  readonly spec: MachineSpec;
  /** Called about once a second with what the guest program says of its progress. */
  onProgress: OnProgress = () => undefined;
  readonly #parts: AttachedParts;
  readonly #shared: SharedParts;
  readonly #hostGone = new HostGone();
  readonly #told = new Told();
  /** What is plugged in, by slot. */
  readonly #devices = new Map<number, DeviceDescription>();
  /** The host's workers: the first, and I/O workers. */
  #host: Side<HostService>;
  #io: IoWorkers;
  /** A restart that is under way, and how many there are. */
  #restarting: Promise<unknown> = Promise.resolve();
  #restarts = 0;
  readonly #guest: Side<GuestService>;
  readonly #cpus: ExtraCpus;
  #ended = false;

  /** Builds both workers, opens the devices, enumerates the bus and binds the drivers. */
  static async start(description: MachineDescription): Promise<Machine> {
    const machine = new Machine(checkDescription(description));
    try {
      await withinDeadline("startMs", machine.spec.deadlines.startMs, machine.#boot());
      return machine;
    } catch (error) {
      await machine.end();
      throw error;
    }
  }

  private constructor(spec: MachineSpec) {
    this.spec = spec;
    this.#shared = allocateParts(spec);
    this.#parts = attachParts(this.#shared);
    for (const device of spec.devices) this.#devices.set(device.slot, device);
    [this.#host, this.#io] = this.#startHost();
    this.#cpus = new ExtraCpus(this.#shared);
    const { links } = this.#cpus;
    this.#guest = new Side("guest", { ...this.#shared, links }, { transfer: portsOf(links) });
  }

  /**
   * Runs a guest program: the path or URL of a module whose default export is `defineGuest(…)`. Always resolves,
   * except for the caller's own mistakes (`UsageError`).
   */
  async run(program: string | URL, args: unknown = null): Promise<RunReport> {
    const run = await runProgram(
      this.#guest,
      { module: moduleUrl(program), args },
      {
        stallMs: this.spec.deadlines.stallMs,
        onProgress: (label, done, total) => this.onProgress(label, done, total),
        excused: () => this.#restarts > 0,
        gone: [this.#hostGone.promise, this.#cpus.gone],
        withOthers: (first) => this.#cpus.progress(first),
      },
    );
    return this.#report(run);
  }

  /**
   * Asks a device for a change while the machine runs, e.g. `deviceCommand("balloon", "target", "8M")`; resolves with
   * the device's answer. Rejects with `UsageError` for a device, command or argument that does not exist.
   */
  async deviceCommand(device: number | string, command: string, ...args: string[]): Promise<unknown> {
    const asked = this.#alive<Outcome<unknown>>(this.#host.service.command({ device, command, args }));
    const { commandMs } = this.spec.deadlines;
    const answer = unwrap(await withinDeadline("commandMs", commandMs, this.#attendUntil(asked)));
    await this.#attend();
    return answer;
  }

  /** Plugs a device into the running machine; resolves with its slot. The guest is told by interrupt. */
  async plug(device: DeviceDescription): Promise<number> {
    const slot = unwrap(await this.#alive<Outcome<number>>(this.#host.service.plug(device)));
    this.#devices.set(slot, { ...device, slot });
    await this.#attend();
    return slot;
  }

  /**
   * Unplugs a device: asks the guest for it first, and takes it out when the guest has let go; or, as a surprise, pulls
   * it out at once and tells the guest afterwards.
   */
  async unplug(device: number | string, { surprise = false } = {}): Promise<void> {
    const request = this.#alive<Outcome<number>>(this.#host.service.unplug({ device, surprise }));
    const { unplugMs } = this.spec.deadlines;
    const slot = unwrap(await withinDeadline("unplugMs", unplugMs, this.#attendUntil(request)));
    this.#devices.delete(slot);
    await this.#attend();
  }

  /**
   * Kills the host's workers at once, whatever they are doing, and starts others, with the same devices as after power-on.
   * RAM and the guest live on: to the guest each device was pulled out and another one plugged in. Back-end I/O that
   * was under way has ended when the new host starts.
   */
  async restartHost(): Promise<void> {
    const restarting = this.#replaceHost();
    this.#restarting = restarting.catch(() => undefined);
    this.#restarts++;
    try {
      await restarting;
    } finally {
      this.#restarts--;
    }
  }

  async #replaceHost(): Promise<void> {
    const dying = [this.#host, ...this.#io.sides];
    for (const side of dying) this.#hostGone.expect(side);
    await Promise.all(dying.map((side) => side.end()));
    powerOff(this.#parts);
    if (this.#ended) return;
    [this.#host, this.#io] = this.#startHost();
    const { startMs } = this.spec.deadlines;
    const starting = async (): Promise<void> => {
      await Promise.all([this.#host.ready, this.#io.ready]);
      await this.#serveDevices(true);
    };
    await withinDeadline("startMs", startMs, this.#alive(starting()));
    await this.#attend();
  }

  /** Kills the guest worker at once. What it ran ends as crashed; `stop` closes the devices as always. */
  async killGuest(): Promise<void> {
    await Promise.all([this.#guest.end(), this.#cpus.end()]);
  }

  /** The control page as it stands: who sleeps on what, what is pending. Readable even while a side is blocked. */
  describeControl(): ReturnType<typeof describeControl> {
    return describeControl(this.#parts);
  }

  get controlled(): Controlled {
    return {
      snapshot: () =>
        takeSnapshot(this.#parts, performance.timeOrigin + performance.now() - this.#shared.epoch),
      counters: async () => {
        const [host, guest] = await Promise.all([describeSide(this.#host), describeSide(this.#guest)]);
        const [devices, drivers] = await Promise.all([this.#io.describe(host), this.#cpus.describe(guest)]);
        return mergeQueues(devices.state, drivers.state);
      },
    };
  }

  recordings(): Recordings | null {
    const { events } = this.#shared;
    if (events === undefined) return null;
    const { host, guest, io } = events;
    return { host: readEvents(host), guest: readEvents(guest), io: io.map(readEvents) };
  }

  /** Closes the devices (flushing what they hold) and ends both workers. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    try {
      const stopped = Promise.race([this.#host.service.stop(), this.#host.gone]);
      await withinDeadline("stopMs", this.spec.deadlines.stopMs, stopped);
    } finally {
      await this.end();
    }
  }

  /** Ends both workers now. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all([this.#guest.end(), this.#cpus.end(), this.#host.end(), this.#io.end()]);
  }

  #startHost(): [Side<HostService>, IoWorkers] {
    const { hear } = this.#told;
    const io = new IoWorkers(this.#shared, hear);
    const { links } = io;
    const parts = { ...this.#shared, links };
    const side = new Side<HostService>("host", parts, { transfer: ioPortsOf(links), hear });
    for (const each of [side, ...io.sides]) this.#hostGone.watch(each);
    return [side, io];
  }

  async #serveDevices(again: boolean): Promise<void> {
    await this.#io.start();
    const devices = [...this.#devices.values()];
    unwrap((await this.#host.service.start(devices, again)) as Outcome<null>);
    this.#hostGone.watchFailure(this.#host);
  }

  async #boot(): Promise<void> {
    const { ready } = this.#io;
    await this.#alive(Promise.all([this.#host.ready, ready, this.#guest.ready, this.#cpus.ready]));
    await this.#alive(this.#serveDevices(false));
    await this.#alive(this.#cpus.start());
    unwrap(await this.#alive<Outcome<null>>(this.#guest.service.start()));
  }

  /** A guest that runs no program is made to look at its interrupts now. */
  async #attend(): Promise<void> {
    unwrap(await this.#alive<Outcome<null>>(this.#guest.service.attend()));
  }

  /** And again, for as long as something waits for what it does then. */
  async #attendUntil<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const settled = work.finally(() => {
      over = true;
    });
    while (!over) await Promise.all([this.#attend(), Promise.race([settled, delay(ATTEND_MS)])]);
    return settled;
  }

  #alive<T>(work: Promise<T>): Promise<T> {
    const sides = [this.#host, ...this.#io.sides, this.#guest];
    return Promise.race([work, this.#cpus.gone, ...sides.map(({ gone }) => gone)]);
  }

  /** Of the host that there is in the end: one that is killed on purpose while it is asked has nothing to tell. */
  async #accountOfHost(limitMs: number | undefined): ReturnType<typeof accountOf<HostState>> {
    for (;;) {
      await this.#restarting;
      const [host, io] = [this.#host, this.#io];
      const first = await accountOf<HostState>(host, limitMs);
      const { state, error } = await io.describe(first.state, limitMs);
      const account = { state, error: first.error ?? error };
      if (account.error === null || (this.#restarts === 0 && host === this.#host)) return account;
    }
  }

  async #report(run: Run): Promise<RunReport> {
    // A program that completed says little where a side cannot tell what it saw: give it time, and look why.
    const limitMs = run.error === null ? this.spec.deadlines.stallMs : undefined;
    const [host, guest] = await Promise.all([this.#accountOfHost(limitMs), accountOf(this.#guest, limitMs)]);
    const drivers = await this.#cpus.describe(guest.state, limitMs);
    const error = run.error ?? host.error ?? guest.error ?? drivers.error;
    const found = this.#told.with(host.state);
    const report = reportOf("virtlab", { ...run, error }, host.state, drivers.state, found);
    return report.verdict === "stalled" ? { ...report, control: describeControl(this.#parts) } : report;
  }
}
