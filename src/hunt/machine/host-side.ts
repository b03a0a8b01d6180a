/**
 * The host of a small machine: the real host with one or more virtio functions whose registers, tables and rings are
 * set up by direct calls, as a driver would have done. The loop is the synchronous form of `HostLoop`: poll, and
 * when idle announce, look once more, and sleep.
 */
import type { PortHandler } from "../../bus/port-bus.ts";
import type { DeviceModel, Platform } from "../../host/device.ts";
import { Host } from "../../host/host.ts";
import { DeviceQueue } from "../../host/index.ts";
import type { IoThreads } from "../../host/io-queues.ts";
import type { LoopWork } from "../../host/loop.ts";
import type { VirtioFunction } from "../../host/virtio-function.ts";
import { Doorbell } from "../../memory/doorbell.ts";
import type { Observer } from "../../monitor/observer.ts";
import { LEGACY, type LegacyRegister } from "../../wire/legacy-registers.ts";
import { PAGE_SIZE } from "../../wire/numbers.ts";
import {
  COMMAND,
  CONFIG_ADDRESS_PORT,
  CONFIG_DATA_PORT,
  configAddress,
  MSIX,
  msiAddress,
  PCI,
} from "../../wire/pci.ts";
import { STATUS } from "../../wire/status.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { INTERRUPTS, NotificationLedger } from "../oracles/notifications.ts";
import type { ThreadContext, ThreadProgram } from "../scenario.ts";
import {
  adoptedQueue,
  FIRST_VECTOR,
  ioBase,
  LIVE,
  MSIX_CAPABILITY,
  MSIX_CONTROL,
  memoryBase,
  type RingChoice,
  slotOf,
  UNTOUCHED,
} from "./layout.ts";

const QUEUE_SIZE = 4;

/** Time stands still, and randomness is a constant: an execution depends on its schedule alone. */
export const stillPlatform: Platform = {
  now: () => 0,
  randomFill: (bytes) => void bytes.fill(0xa5),
  after: () => () => {},
};

export interface HostFunction {
  readonly model: DeviceModel;
  readonly virtioId?: number;
  /** 0: INTx. */
  readonly msixVectors?: number;
  /** The guest sets the function up itself; its BARs are mapped. */
  readonly mapped?: boolean;
  /** Everything is set up on these rings, up to DRIVER_OK. */
  readonly ready?: RingChoice;
  readonly queueSize?: number;
  /** Where in the 16 bits of an index the rings begin. */
  readonly startAt?: number;
  /** Queue whose vector and ring are left alone, as by a driver that does not use it. */
  readonly unusedQueue?: number;
  /** The queues' vector is left at NO_VECTOR: the driver polls. */
  readonly noQueueVector?: boolean;
  /** Number of its parts on I/O threads. */
  readonly part?: number;
}

/** The synchronous form of `HostLoop`, for ever: the execution ends when everybody sleeps. */
export function serveForEver(
  work: LoopWork,
  doorbell: Doorbell,
  {
    before = [],
    idle = () => {},
  }: { readonly before?: readonly (() => boolean)[]; readonly idle?: () => void } = {},
): never {
  for (;;) {
    let worked = false;
    for (const look of before) worked = look() || worked;
    worked = work.poll() || worked;
    if (worked) continue;
    // Ordering I: announce, then look for work.
    const ticket = doorbell.announce();
    if (work.hasWork()) doorbell.cancel();
    else {
      idle();
      doorbell.sleep(ticket, Number.POSITIVE_INFINITY);
    }
  }
}

/** A queue whose indices begin anywhere. */
class PlacedDeviceQueue extends DeviceQueue {
  static place(queue: DeviceQueue | undefined, index: number): void {
    const placed = queue as PlacedDeviceQueue | undefined;
    if (placed === undefined) return;
    placed.lastAvail = index;
    placed.availIndex = index;
    placed.usedIndex = index;
    placed.publishedUsed = index;
    placed.signalledUsed = index;
  }
}

export class HuntedHost {
  readonly host: Host;
  readonly functions: readonly VirtioFunction[];
  readonly #context: ThreadContext;
  readonly #doorbell: Doorbell;
  readonly #beforeTurn: (() => boolean)[] = [];
  readonly #observer: Observer | undefined;
  #live = false;

  constructor(context: ThreadContext, functions: readonly HostFunction[], ioThreads?: IoThreads) {
    const { ram, control, plan } = context;
    this.#context = context;
    this.#doorbell = new Doorbell(control, plan.hostDoorbell);
    new NotificationLedger(context, INTERRUPTS);
    this.#observer = context.watchStatements?.("device");
    this.host = new Host({
      ram,
      control,
      plan,
      platform: stillPlatform,
      // What is set up by direct calls is no driver's conversation.
      watchBus: this.#observer && ((access) => this.#live && this.#observer?.access(access)),
      watchSlots: this.#observer?.slotChanged,
      violated: ({ kind, detail, device }) => context.fail("O2 ownership", `${device}: ${kind}: ${detail}`),
      ioThreads,
    });
    this.functions = functions.map((each, index) => this.#plug(each, index));
    this.#live = true;
  }

  /** Runs before each turn of the loop; true if it did something. */
  beforeTurn(look: () => boolean): this {
    this.#beforeTurn.push(look);
    return this;
  }

  loop(): never {
    return serveForEver(this.host, this.#doorbell, {
      before: this.#beforeTurn,
      idle: () => this.#observer?.sleep(0, true),
    });
  }

  program(more: Partial<ThreadProgram> = {}): ThreadProgram {
    return { run: () => this.loop(), describe: () => this.host.describe(), ...more };
  }

  #plug(each: HostFunction, index: number): VirtioFunction {
    const slot = slotOf(index);
    const added = this.host.addDevice({
      slot,
      name: `device${index}`,
      virtioId: each.virtioId ?? VIRTIO_TYPE.rng.id,
      model: each.model,
      queueSize: each.queueSize ?? QUEUE_SIZE,
      msixVectors: each.msixVectors ?? 0,
      transportFeatures: each.ready?.features ?? 0xffff_ffff,
      part: each.part,
    });
    if (each.ready !== undefined || each.mapped) map(this.host.handler, index, each);
    if (each.ready !== undefined) setUp(this.host.handler, index, each, each.ready);
    if (each.startAt !== undefined) PlacedDeviceQueue.place(added.device.queues[0], each.startAt);
    this.#adopt(each, index);
    return added;
  }

  #adopt({ ready, mapped, ...each }: HostFunction, index: number): void {
    const msix = (each.msixVectors ?? 0) > 0;
    const place = { slot: slotOf(index), ioBase: ioBase(index), msixAt: msix ? MSIX_CAPABILITY : 0 };
    if (mapped) this.#observer?.adopt({ ...UNTOUCHED, ...place });
    if (ready === undefined) return;
    const vectors = (queue: number) => (msix && !each.noQueueVector ? vectorOf(each, queue) : undefined);
    const queues = each.model.queues.flatMap((_, queue) =>
      queue === each.unusedQueue
        ? []
        : [
            adoptedQueue(ready, queue, {
              size: each.queueSize ?? QUEUE_SIZE,
              startAt: each.startAt,
              vector: vectors(queue),
            }),
          ],
    );
    const { features } = ready;
    this.#observer?.adopt({ ...LIVE, ...place, features, queues });
  }

  get context(): ThreadContext {
    return this.#context;
  }
}

const vectorOf = ({ msixVectors = 0 }: HostFunction, queue: number): number =>
  Math.min(queue + 1, msixVectors - 1);

/** What a PCI core does: addresses, decoding, and messages. */
function map(bus: PortHandler, index: number, each: HostFunction): void {
  const vectors = each.msixVectors ?? 0;
  const config = (offset: number, width: 2 | 4, value: number): void => {
    bus.portWrite(
      CONFIG_ADDRESS_PORT,
      4,
      configAddress({ bus: 0, slot: slotOf(index), function: 0 }, offset),
    );
    bus.portWrite(CONFIG_DATA_PORT + (offset & 3), width, value);
  };
  config(PCI.bar0, 4, ioBase(index));
  if (vectors > 0) config(PCI.bar0 + 4, 4, memoryBase(index));
  config(PCI.command, 2, COMMAND.IO | COMMAND.MEMORY | COMMAND.BUS_MASTER);
  for (let vector = 0; vector < vectors; vector++) {
    const entry = memoryBase(index) + vector * MSIX.entryBytes;
    bus.mmioWrite(entry + MSIX.entryAddress, 4, msiAddress(0));
    bus.mmioWrite(entry + MSIX.entryData, 4, FIRST_VECTOR + index * vectors + vector);
    bus.mmioWrite(entry + MSIX.entryControl, 4, 0);
  }
  if (vectors > 0) config(MSIX_CONTROL, 2, MSIX.enable);
}

/** What a driver does before its device is live, in the order of the specification. */
function setUp(bus: PortHandler, index: number, each: HostFunction, ring: RingChoice): void {
  const vectors = each.msixVectors ?? 0;
  const write = (register: LegacyRegister, value: number): void => {
    bus.portWrite(ioBase(index) + LEGACY[register].offset, LEGACY[register].bytes, value);
  };
  write("status", STATUS.ACKNOWLEDGE | STATUS.DRIVER);
  write("guestFeatures", ring.features);
  if (vectors > 0) write("configVector", 0);
  each.model.queues.forEach((_, queue) => {
    if (queue === each.unusedQueue) return;
    write("queueSelect", queue);
    write("queuePfn", ring.address(queue) / PAGE_SIZE);
    if (vectors > 0 && !each.noQueueVector) write("queueVector", vectorOf(each, queue));
  });
  write("status", STATUS.ACKNOWLEDGE | STATUS.DRIVER | STATUS.DRIVER_OK);
}
