/**
 * The host: PCI root, virtio functions, and its ends of the bus. It never blocks and never sleeps; `poll` does one
 * turn of work, and `HostLoop` (or a test, or a stepper) decides when the next one is.
 */
import { InterruptController } from "../bus/interrupt-controller.ts";
import { ioKickTargets, KickReceiver } from "../bus/kick.ts";
import { MailboxServer } from "../bus/mailbox.ts";
import type { PortHandler } from "../bus/port-bus.ts";
import { type BusWatcher, WatchedHandler } from "../bus/watched-bus.ts";
import { Doorbell } from "../memory/doorbell.ts";
import type { ControlPlan } from "../memory/plan.ts";
import type { Ram } from "../memory/ram.ts";
import type { SharedMemory } from "../memory/shared-memory.ts";
import { FIRST_SYSTEM_VECTOR, HOT_PLUG_IRQ } from "../wire/hot-plug.ts";
import { formatBdf } from "../wire/pci.ts";
import { BackEndWork } from "./back-end-work.ts";
import type { Platform } from "./device.ts";
import { HeldPages } from "./held-pages.ts";
import { HotPlugController } from "./hot-plug.ts";
import type { IoThreads } from "./io-queues.ts";
import type { LoopWork } from "./loop.ts";
import { PciRoot } from "./pci-root.ts";
import type { Violation, ViolationSink } from "./violation.ts";
import type { HostServices } from "./virtio-device.ts";
import { type AddDeviceOptions, type IoSite, VirtioFunction } from "./virtio-function.ts";

export interface HostOptions {
  readonly ram: Ram;
  readonly control: SharedMemory;
  readonly plan: ControlPlan;
  readonly platform: Platform;
  /** Notify writes as bits in shared memory instead of mailbox records. Default true. */
  readonly kickFastPath?: boolean;
  /** How the hot-plug controller interrupts, where not by our system interrupt: vectors may be somebody else's. */
  readonly hotPlugInterrupt?: () => void;
  /** Receives every violation; `Host.violations` counts them. */
  readonly violated?: ViolationSink;
  readonly log?: (message: string) => void;
  /** Told of every access that the guest makes. */
  readonly watchBus?: BusWatcher | undefined;
  /** Told of each slot that is filled or emptied: on the bus nobody says so. */
  readonly watchSlots?: ((slot: number) => void) | undefined;
  /** Threads that queues may be handed to; as many as the memory plan has. */
  readonly ioThreads?: IoThreads | undefined;
}

export class Host implements LoopWork {
  readonly platform: Platform;
  /** Times that each kind of violation came up, by "device: kind". */
  readonly violations = new Map<string, number>();
  readonly work = new BackEndWork();
  readonly #options: HostOptions;
  readonly #root: PciRoot;
  readonly #handler: PortHandler;
  readonly #hotPlug: HotPlugController;
  /** Who waits for the guest to let go of a device, by slot: one or more. */
  readonly #ejects = new Map<number, (() => void)[]>();
  readonly #functions: (VirtioFunction | undefined)[];
  readonly #controllers: readonly InterruptController[];
  readonly #mailboxes: readonly MailboxServer[];
  readonly #kicks: KickReceiver;
  readonly #services: HostServices;
  readonly #io: IoSite | undefined;
  /** Kicks taken in this turn: function and queue, in turn. */
  readonly #taken: number[] = [];
  readonly #collect = (functionIndex: number, queue: number): void => {
    this.#taken.push(functionIndex, queue);
  };

  constructor(options: HostOptions) {
    const { control, plan } = options;
    const bells = plan.cpus.map((cpu) => new Doorbell(control, cpu.doorbell));
    this.platform = options.platform;
    this.#options = options;
    this.#functions = plan.functions.map(() => undefined);
    this.#controllers = bells.map((bell, cpu) => new InterruptController(control, plan, cpu, bell));
    const [first] = this.#controllers;
    if (first === undefined) throw new RangeError("the memory plan has no CPU");
    this.#hotPlug = new HotPlugController(
      options.hotPlugInterrupt ?? (() => first.post(FIRST_SYSTEM_VECTOR + HOT_PLUG_IRQ)),
      (slot) => this.#letGo(slot),
    );
    this.#root = new PciRoot(this.#hotPlug);
    this.#handler = options.watchBus ? new WatchedHandler(this.#root, options.watchBus) : this.#root;
    this.#mailboxes = plan.cpus.flatMap((cpu, index) => {
      const bell = bells[index];
      return bell === undefined ? [] : [new MailboxServer(control, cpu, bell)];
    });
    this.#kicks = new KickReceiver(control, plan);
    const threads = options.ioThreads;
    this.#io = threads && { threads, kicks: this.#kicks, targets: ioKickTargets(control, plan) };
    this.#services = {
      ram: options.ram,
      heldPages: new HeldPages(options.ram.size),
      violated: (violation) => this.#violated(violation),
      ioStarted: () => this.work.started(),
      log: (message) => options.log?.(message),
    };
  }

  /** Who decodes ports and memory: for a bus of direct calls. */
  get handler(): PortHandler {
    return this.#handler;
  }
  get functions(): readonly VirtioFunction[] {
    return this.#functions.filter((each) => each !== undefined);
  }

  /** Whether the memory plan has a place for one more. */
  get hasRoom(): boolean {
    return this.#functions.includes(undefined);
  }

  /** Adds a device. The guest sees it at its next look at configuration space. */
  addDevice(options: AddDeviceOptions): VirtioFunction {
    const index = this.#functions.indexOf(undefined);
    if (index < 0) throw new RangeError(`the memory plan has room for ${this.#functions.length} functions`);
    const bdf = formatBdf({ bus: 0, slot: options.slot, function: 0 });
    const added = new VirtioFunction(options, {
      control: this.#options.control,
      plan: this.#options.plan,
      index,
      controllers: this.#controllers,
      kicks: (this.#options.kickFastPath ?? true) ? this.#kicks : undefined,
      io: this.#io,
      services: this.#services,
      fullName: `${bdf} ${options.name}`,
    });
    this.#root.addFunction(options.slot, added.pci);
    this.#options.watchSlots?.(options.slot);
    this.#functions[index] = added;
    return added;
  }

  /** Adds a device to a running machine, and tells the guest to look. */
  plug(options: AddDeviceOptions): VirtioFunction {
    const added = this.addDevice(options);
    this.#hotPlug.slotChanged(added.slot);
    return added;
  }

  /** Pulls a device out under the guest's hands; it is told afterwards. */
  async unplug(removed: VirtioFunction): Promise<void> {
    const closed = this.removeDevice(removed);
    this.#hotPlug.slotChanged(removed.slot);
    await closed;
  }

  /** Asks the guest for a device, and takes it out when the guest has let go of it. */
  async requestUnplug(removed: VirtioFunction): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#ejects.set(removed.slot, [...(this.#ejects.get(removed.slot) ?? []), resolve]);
      this.#hotPlug.requestEject(removed.slot);
    });
    await this.removeDevice(removed);
  }

  /** Tells the guest to look at every slot: after a host that died, nothing is as it was. */
  announceAll(): void {
    this.#hotPlug.slotChanged(0);
  }

  /** Takes a device out, as a user may at any moment, and closes its model. */
  async removeDevice(removed: VirtioFunction): Promise<void> {
    if (this.#functions[removed.index] !== removed) return;
    this.#root.removeFunction(removed.slot);
    this.#options.watchSlots?.(removed.slot);
    this.#functions[removed.index] = undefined;
    removed.unplug();
    this.#letGo(removed.slot);
    await this.closeDevice(removed);
  }

  /** Releases what a device holds that is not plugged in: first its parts on I/O threads. */
  async closeDevice({ part, model }: Pick<AddDeviceOptions, "part" | "model">): Promise<void> {
    if (part !== undefined) await this.#options.ioThreads?.removePart(part);
    await model.close?.();
  }

  /** One turn; true if anything was done. */
  poll(): boolean {
    // Kicks are taken before the mailboxes are served and their queues run after: a register write that was
    // posted before a kick is then served before the kick.
    this.#taken.length = 0;
    this.#kicks.take(this.#collect);
    let worked = this.#taken.length > 0;
    for (const mailbox of this.#mailboxes) {
      if (mailbox.serve(this.#handler) > 0) worked = true;
    }
    for (let i = 0; i < this.#taken.length; i += 2) {
      this.#kick(this.#taken[i] ?? -1, this.#taken[i + 1] ?? -1);
    }
    for (const each of this.#functions) {
      if (each === undefined || !each.runnable) continue;
      each.run();
      worked = true;
    }
    return worked;
  }

  /** A cheap look, for after a sleep was announced. Ordering I: the announcement, then this. */
  hasWork(): boolean {
    if (this.#kicks.pending()) return true;
    if (this.#mailboxes.some((mailbox) => mailbox.pending())) return true;
    return this.#functions.some((each) => each?.runnable ?? false);
  }

  /** Everything a stall report or `--json` wants to know. */
  describe() {
    return {
      kicksPending: this.#kicks.pending(),
      mailboxesPending: this.#mailboxes.map((mailbox) => mailbox.pending()),
      ioOutstanding: this.work.outstanding,
      violations: Object.fromEntries(this.violations),
      functions: this.functions.map((each) => each.describe()),
    };
  }

  /** Releases what the devices hold; the host serves nothing after it. */
  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.functions.map((each) => this.removeDevice(each)));
    // Only now: whoever hears of it ends the thread, and with it what the others still flush.
    for (const each of closed) if (each.status === "rejected") throw each.reason;
  }

  #letGo(slot: number): void {
    const waiting = this.#ejects.get(slot) ?? [];
    this.#ejects.delete(slot);
    for (const resolve of waiting) resolve();
  }

  /** The sender knew the function's queues: a kick beyond them was meant for one that has left this place. */
  #kick(functionIndex: number, queue: number): void {
    const device = this.#functions[functionIndex]?.device;
    if (device !== undefined && queue < device.queueConfigs.length) device.kick(queue);
  }

  #violated(violation: Violation): void {
    const key = `${violation.device}: ${violation.kind}`;
    this.violations.set(key, (this.violations.get(key) ?? 0) + 1);
    this.#options.violated?.(violation);
  }
}
