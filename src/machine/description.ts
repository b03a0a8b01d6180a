/**
 * A machine's description: what a user writes (an object, a JSON file, command-line options), checked into a
 * `MachineSpec` that both workers are built from. Every fault is a `UsageError` that says what was expected, what came
 * and where.
 */
import { UsageError } from "../host/device.ts";
import { MAX_FUNCTIONS } from "../memory/plan.ts";
import { DEFAULT_RAM_BASE } from "../memory/ram.ts";
import { FEATURE, featureMask } from "../wire/features.ts";
import { PAGE_SIZE } from "../wire/numbers.ts";
import { MSIX } from "../wire/pci.ts";
import { isQueueSize, MAX_QUEUE_SIZE, ringLayout } from "../wire/ring.ts";
import { sizeInBytes } from "../wire/size.ts";
import { nearestName } from "./nearest-name.ts";

export const INTERRUPT_MODES = ["auto", "msix", "msix-shared", "intx"] as const;
export type InterruptMode = (typeof INTERRUPT_MODES)[number];

/** One device: a name that `virtlab list devices` prints, or the path of a module whose default export defines one. */
export interface DeviceDescription {
  readonly type: string;
  /** PCI slot, 4-31; the next free one by default. */
  readonly slot?: number;
  /** MSI-X table size, 0-64; by default one per queue and one for configuration changes. */
  readonly vectors?: number | undefined;
  readonly queueSize?: number;
  /** The device's own options. */
  readonly options?: Readonly<Record<string, string | number | boolean>>;
}

export interface MachineDescription {
  /** Guest RAM: bytes, or "64M", "1G". Default 64 MiB. */
  readonly memory?: number | string;
  /** Guest-physical address where RAM begins, a multiple of 4096. Default 1 MiB. */
  readonly memoryBase?: number;
  /** Entries of each queue whose device has no opinion: a power of two up to 32768. Default 256. */
  readonly queueSize?: number;
  readonly interrupts?: InterruptMode;
  readonly indirect?: boolean;
  readonly eventIndex?: boolean;
  /** Kicks as doorbells (like KVM's ioeventfd) rather than through the port mailbox. Default true. */
  readonly kickFastPath?: boolean;
  /** Longest spin before either side sleeps, in microseconds. Default 100; 0 never spins. */
  readonly pollMaxUs?: number;
  readonly seed?: number;
  /** Virtual CPUs of the guest, a worker each; default 1. Those beyond the first share the queues of devices that have several. */
  readonly cpus?: number;
  /** Host threads beside the first; default 0. They serve the queues of devices that let them, each thread some. */
  readonly ioThreads?: number;
  readonly devices?: readonly DeviceDescription[];
  readonly deadlines?: Partial<Deadlines>;
  readonly watch?: Partial<WatchSpec>;
  /** A module that both workers run before they build anything: it may plant faults. */
  readonly prepare?: PrepareSpec;
}

export interface PrepareSpec {
  /** A URL. */
  readonly module: string;
  /** Handed to the module's default export, in each worker. */
  readonly args: unknown;
}

/** What is kept of what both threads do. Both cost time; without them nothing does. */
export interface WatchSpec {
  /** Check the specification's statements while the machine runs. */
  readonly monitor: boolean;
  /** Newest events kept of each thread, for a trace; 0 keeps none. */
  readonly traceEvents: number;
}

/** Bounded waits, in milliseconds. One that expires is a finding. */
export interface Deadlines {
  /** Both workers built, the bus enumerated, drivers bound. */
  readonly startMs: number;
  /** Requests in flight and none comes back. */
  readonly stallMs: number;
  /** A register read without an answer. */
  readonly portMs: number;
  /** An I/O thread does what the host's first thread asks of it. */
  readonly ioThreadMs: number;
  /** The guest lets go of a device that it was asked for. */
  readonly unplugMs: number;
  /** A command to a device answered, by the guest where it takes part. */
  readonly commandMs: number;
  /** Devices closed after a run. */
  readonly stopMs: number;
}

export interface DeviceSpec {
  readonly type: string;
  readonly slot: number;
  readonly vectors: number | undefined;
  readonly queueSize: number;
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

/** A description with every default in place. Plain data: it travels to the workers as it is. */
export interface MachineSpec {
  readonly memory: number;
  readonly memoryBase: number;
  readonly interrupts: InterruptMode;
  /** Of devices that name none. */
  readonly queueSize: number;
  /** Ring features that devices offer. */
  readonly transportFeatures: number;
  readonly kickFastPath: boolean;
  readonly pollMaxUs: number;
  readonly seed: number;
  readonly cpus: number;
  readonly ioThreads: number;
  readonly devices: readonly DeviceSpec[];
  readonly deadlines: Deadlines;
  readonly watch: WatchSpec;
  readonly prepare: PrepareSpec | null;
}

const DEFAULT_DEADLINES: Deadlines = {
  startMs: 20_000,
  stallMs: 10_000,
  portMs: 10_000,
  ioThreadMs: 5_000,
  unplugMs: 5_000,
  commandMs: 10_000,
  stopMs: 5_000,
};
const MAX_TRACE_EVENTS = 1 << 24;
const MIN_MEMORY = 1 << 20;
const MAX_MEMORY = 2 ** 32;
/** Each is a thread. */
const MAX_CPUS = 16;
const MAX_IO_THREADS = 16;
const FIRST_SLOT = 4;
const LAST_SLOT = 31;

const KNOWN_KEYS = [
  "memory",
  "memoryBase",
  "queueSize",
  "interrupts",
  "indirect",
  "eventIndex",
  "kickFastPath",
  "pollMaxUs",
  "seed",
  "cpus",
  "ioThreads",
  "devices",
  "deadlines",
  "watch",
  "prepare",
] as const satisfies readonly (keyof MachineDescription)[];
const KNOWN_DEVICE_KEYS = ["type", "slot", "vectors", "queueSize", "options"] as const;

export function checkDescription(description: MachineDescription): MachineSpec {
  onlyKeys("machine description", description, KNOWN_KEYS);
  const queueSize = checkQueueSize("queueSize", description.queueSize ?? 256);
  const memoryBase = integer("memoryBase", description.memoryBase ?? DEFAULT_RAM_BASE, 0, 2 ** 52);
  if (memoryBase % PAGE_SIZE !== 0) throw expected("memoryBase", "a multiple of 4096", memoryBase);
  const features: number[] = [];
  if (boolean("indirect", description.indirect ?? true)) features.push(FEATURE.INDIRECT_DESC);
  if (boolean("eventIndex", description.eventIndex ?? true)) features.push(FEATURE.EVENT_IDX);
  const devices = checkDevices(description.devices ?? [], queueSize);
  return {
    memory: checkMemory(description.memory ?? "64M", devices),
    memoryBase,
    interrupts: oneOf("interrupts", description.interrupts ?? "auto", INTERRUPT_MODES),
    queueSize,
    transportFeatures: featureMask(...features),
    kickFastPath: boolean("kickFastPath", description.kickFastPath ?? true),
    pollMaxUs: integer("pollMaxUs", description.pollMaxUs ?? 100, 0, 1_000_000),
    seed: integer("seed", description.seed ?? 1, 0, 0xffff_ffff),
    cpus: integer("cpus", description.cpus ?? 1, 1, MAX_CPUS),
    ioThreads: integer("ioThreads", description.ioThreads ?? 0, 0, MAX_IO_THREADS),
    devices,
    deadlines: checkDeadlines(description.deadlines ?? {}),
    watch: checkWatch(description.watch ?? {}),
    prepare: description.prepare === undefined ? null : checkPrepare(description.prepare),
  };
}

/** "64M", "1G", "4096", 4096 → bytes. Units are powers of 1024, as QEMU's. */
export function parseSize(name: string, value: number | string): number {
  const bytes = sizeInBytes(value);
  if (bytes === undefined) throw expected(name, "a size such as 64M, 1G or 4096", value);
  return bytes;
}

export function checkQueueSize(name: string, size: unknown): number {
  if (typeof size !== "number" || !isQueueSize(size)) {
    throw expected(name, `a power of two from 1 to ${MAX_QUEUE_SIZE}`, size);
  }
  return size;
}

function checkMemory(value: number | string, devices: readonly DeviceSpec[]): number {
  const bytes = parseSize("memory", value);
  // One ring for each device and as much again for its buffers: with less, no driver could bind.
  const least = devices.reduce((sum, { queueSize }) => sum + 2 * ringLayout(queueSize).bytes, 0);
  if (bytes < least) throw expected("memory", `at least ${least} bytes for the queues described`, value);
  if (bytes < MIN_MEMORY || bytes > MAX_MEMORY || bytes % PAGE_SIZE !== 0) {
    throw expected("memory", "1M to 4G, in whole pages of 4096 bytes", value);
  }
  return bytes;
}

function checkDevices(devices: readonly DeviceDescription[], queueSize: number): DeviceSpec[] {
  if (!Array.isArray(devices)) throw expected("devices", "a list", devices);
  const taken = new Set<number>();
  const specs: DeviceSpec[] = [];
  for (const [index, device] of devices.entries()) {
    const spec = checkDevice(`devices[${index}]`, device, taken, queueSize);
    taken.add(spec.slot);
    specs.push(spec);
  }
  if (specs.length > MAX_FUNCTIONS) throw expected("devices", `at most ${MAX_FUNCTIONS}`, specs.length);
  return specs;
}

/** One device; `taken` are the slots of the others. */
export function checkDevice(
  name: string,
  device: DeviceDescription,
  taken: ReadonlySet<number>,
  queueSize: number,
): DeviceSpec {
  onlyKeys(name, device, KNOWN_DEVICE_KEYS);
  if (typeof device.type !== "string" || device.type === "")
    throw expected(`${name}.type`, "a name", device.type);
  const slot = device.slot ?? freeSlot(taken);
  integer(`${name}.slot`, slot, FIRST_SLOT, LAST_SLOT);
  if (taken.has(slot)) throw new UsageError(`${name}.slot: slot ${slot} is taken already`);
  return {
    type: device.type,
    slot,
    vectors:
      device.vectors === undefined
        ? undefined
        : integer(`${name}.vectors`, device.vectors, 0, MSIX.maxVectors),
    queueSize: checkQueueSize(`${name}.queueSize`, device.queueSize ?? queueSize),
    options: device.options ?? {},
  };
}

function freeSlot(taken: ReadonlySet<number>): number {
  for (let slot = FIRST_SLOT; slot <= LAST_SLOT; slot++) if (!taken.has(slot)) return slot;
  throw new UsageError(`devices: all slots from ${FIRST_SLOT} to ${LAST_SLOT} are taken`);
}

function checkWatch(watch: Partial<WatchSpec>): WatchSpec {
  onlyKeys("watch", watch, ["monitor", "traceEvents"]);
  return {
    monitor: boolean("watch.monitor", watch.monitor ?? false),
    traceEvents: integer("watch.traceEvents", watch.traceEvents ?? 0, 0, MAX_TRACE_EVENTS),
  };
}

function checkPrepare(prepare: PrepareSpec): PrepareSpec {
  onlyKeys("prepare", prepare, ["module", "args"]);
  if (typeof prepare.module !== "string") throw expected("prepare.module", "a URL", prepare.module);
  return { module: prepare.module, args: prepare.args };
}

function checkDeadlines(deadlines: Partial<Deadlines>): Deadlines {
  const names = Object.keys(DEFAULT_DEADLINES) as (keyof Deadlines)[];
  onlyKeys("deadlines", deadlines, names);
  const checked = { ...DEFAULT_DEADLINES, ...deadlines };
  for (const name of names) integer(`deadlines.${name}`, checked[name], 1, 3_600_000);
  return checked;
}

function onlyKeys(where: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== "object" || value === null) throw expected(where, "an object", value);
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    throw new UsageError(
      `${where}: unknown key "${key}"${nearestName(key, known)}; known are ${known.join(", ")}`,
    );
  }
}

function boolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw expected(name, "true or false", value);
  return value;
}

function integer(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
    throw expected(name, `a whole number from ${least} to ${most}`, value);
  }
  return value;
}

export function oneOf<T extends string>(name: string, value: unknown, known: readonly T[]): T {
  const hit = known.find((candidate) => candidate === value);
  if (hit === undefined)
    throw expected(name, `one of ${known.join(", ")}${nearestName(String(value), known)}`, value);
  return hit;
}

export function expected(name: string, what: string, came: unknown): UsageError {
  return new UsageError(
    `${name}: expected ${what}, got ${typeof came === "string" ? `"${came}"` : JSON.stringify(came)}`,
  );
}
