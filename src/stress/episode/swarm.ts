/**
 * Random machines: what an episode of a stress run is made of. A pure function of the seed (and of what the user asked
 * for), so that an episode can be run again alone.
 */
import type { DeviceDescription, MachineDescription } from "../../machine/description.ts";
import { INTERRUPT_MODES } from "../../machine/description.ts";
import { Random } from "../../wire/random.ts";
import type { Misfortune } from "../faults/flaky-disk.ts";
import { FLAKY_DISK } from "../modules.ts";
import type { Plants } from "./plants.ts";

/** What the guest program of an episode may do besides traffic. */
export const ACTIONS = [
  "traffic",
  "reset",
  "rebind",
  "suspend",
  "mask",
  "starve",
  "pressure",
  "clock",
] as const;
export type Action = (typeof ACTIONS)[number];

/** What happens to the machine from outside: devices come and go, the balloon's target moves, workers die. */
export const DEEDS = ["unplug", "pull", "target", "kill host", "kill guest"] as const;
export type Deed = (typeof DEEDS)[number];

export type Weights<Name extends string> = Readonly<Record<Name, number>>;

/** Devices that stress knows how to verify; "own" is the user's. */
export const STRESSED = ["blk", "rng", "net", "console", "balloon"] as const;
export type Stressed = (typeof STRESSED)[number] | "own";

/** What the user brings. */
export interface Own {
  /** A device module, as a URL. */
  readonly device?: string;
  /** A driver module with a `stress` function, as a URL. */
  readonly driver?: string;
}

/** How a machine is chosen, besides its seed. */
export interface Wishes {
  readonly only?: readonly Exclude<Stressed, "own">[];
  readonly own?: Own;
  /** The monitor watches every machine; otherwise some. */
  readonly monitor?: boolean;
  /** Newest events to keep of each thread, for a trace of a finding. */
  readonly traceEvents?: number;
  /** A defect of the hunter's to plant, by its id. */
  readonly defect?: string;
  /** Requests out and nothing moves: how long until that is a finding. */
  readonly stallMs?: number;
}

export interface Episode {
  readonly seed: number;
  readonly machine: MachineDescription;
  readonly plants: Plants;
  readonly weights: Weights<Action>;
  readonly deeds: Weights<Deed>;
  readonly actions: number;
  /** Rides that may be under way at once. */
  readonly ridesMax: number;
  /** Disks may fail, be slow or never answer: errors are answers, and patience ends. */
  readonly flaky: boolean;
  readonly own?: Own;
  /** Of the machine's devices, by slot, those that the program drives. */
  readonly devices: readonly { readonly type: Stressed; readonly slot: number }[];
}

const STALL_MS = 20_000;
const ACTIONS_PER_EPISODE = 100;
const RIDES_MAX = 24;
const FIRST_SLOT = 4;
const QUEUE_EXPONENT_MAX = 15;
/** The largest ring takes 210 pages, and a machine may have several. */
const MEMORY = "32M";
/** Rings start this far before their indices wrap, at most: mostly they shall. */
const BEFORE_WRAP = 64;

type Below = (limit: number) => number;
type Chance = (percent: number) => boolean;

export function episode(seed: number, wishes: Wishes = {}): Episode {
  const random = new Random(seed);
  const below = (limit: number) => random.next() % limit;
  const chance = (percent: number) => below(100) < percent;
  const types: readonly Stressed[] = wishes.own !== undefined ? ["own"] : (wishes.only ?? STRESSED);
  // Every fourth slot is on the same INTx line.
  const stride = chance(30) ? 4 : 1;
  const devices = Array.from({ length: 1 + below(4) }, (_, index) => ({
    type: types[below(types.length)] ?? "rng",
    slot: FIRST_SLOT + index * stride,
  }));
  const interrupts = INTERRUPT_MODES[below(INTERRUPT_MODES.length)] ?? "auto";
  // Too few vectors drive the driver through its tiers, where it may choose the tier.
  const fewVectors = () => interrupts === "auto" && chance(40);
  const flaky = chance(25);
  const ringStart = chance(15) ? 0x1_0000 - below(BEFORE_WRAP) : undefined;
  const watched = ringStart === undefined && (chance(20) || (wishes.monitor ?? false));
  const { own, defect, stallMs, traceEvents } = wishes;
  return {
    seed,
    devices,
    actions: ACTIONS_PER_EPISODE,
    ridesMax: RIDES_MAX,
    flaky,
    ...(own && { own }),
    plants: { ...(ringStart !== undefined && { ringStart }), ...(defect !== undefined && { defect }) },
    weights: weights(below, chance),
    deeds: deeds(below, chance),
    machine: {
      memory: MEMORY,
      interrupts,
      indirect: chance(50),
      eventIndex: chance(50),
      kickFastPath: chance(75),
      pollMaxUs: [0, 10, 100, 1000][below(4)] ?? 100,
      devices: devices.map(({ type, slot }) =>
        describe({ type, slot, below, chance, fewVectors: fewVectors(), flaky, own }),
      ),
      // A busy machine is no finding: a host may take seconds to start again.
      deadlines: { startMs: 60_000, portMs: 60_000, unplugMs: 30_000, stallMs: stallMs ?? STALL_MS },
      watch: {
        monitor: watched,
        traceEvents: traceEvents ?? 0,
      },
    },
  };
}

/** Some actions are switched off entirely: what is rare in the mix of all is common in some. */
function weights(below: Below, chance: Chance): Weights<Action> {
  const weight = (off: number, most: number) => (chance(off) ? 0 : 1 + below(most));
  return {
    traffic: 4 + below(12),
    reset: weight(40, 4),
    rebind: weight(40, 4),
    suspend: weight(40, 4),
    mask: weight(40, 4),
    starve: weight(50, 3),
    pressure: weight(70, 2),
    clock: weight(70, 2),
  };
}

function deeds(below: Below, chance: Chance): Weights<Deed> {
  const weight = (off: number, most: number) => (chance(off) ? 0 : 1 + below(most));
  return {
    unplug: weight(50, 6),
    pull: weight(50, 6),
    target: weight(20, 6),
    "kill host": weight(70, 2),
    "kill guest": weight(90, 1),
  };
}

interface Choice {
  readonly type: Stressed;
  readonly slot: number;
  readonly below: Below;
  readonly chance: Chance;
  readonly fewVectors: boolean;
  readonly flaky: boolean;
  readonly own: Own | undefined;
}

/** The path of a scratch file is put in its place when the episode begins. */
export const SCRATCH = "scratch";
export const DISK_BYTES = 1 << 20;

function describe({ type, slot, below, chance, fewVectors, flaky, own }: Choice): DeviceDescription {
  // Small queues are full all the time, and that is where trouble is: half are.
  const queueSize = 2 ** (chance(50) ? 1 + below(4) : 1 + below(QUEUE_EXPONENT_MAX));
  const { module, options } = {
    blk: flaky
      ? { module: FLAKY_DISK, options: { file: SCRATCH, ...misfortune(below, chance) } }
      : { module: "blk", options: { file: SCRATCH } },
    rng: { module: "rng", options: {} },
    net: { module: "net", options: { backend: "loop" } },
    console: { module: "console", options: { echo: true } },
    balloon: {
      module: "balloon",
      options: { "must-tell-host": chance(50), "deflate-on-oom": chance(50), target: "1M" },
    },
    own: { module: own?.device ?? "blk", options: own?.device === undefined ? { file: SCRATCH } : {} },
  }[type];
  return {
    type: module,
    slot,
    queueSize: type === "blk" || own?.device === undefined ? Math.max(4, queueSize) : queueSize,
    ...(fewVectors && { vectors: below(4) }),
    options,
  };
}

/** Per mille of requests. */
function misfortune(below: Below, chance: Chance): Misfortune & { seed: number } {
  return {
    seed: below(2 ** 31),
    eio: chance(50) ? below(100) : 0,
    enospc: chance(50) ? below(100) : 0,
    short: chance(50) ? below(500) : 0,
    late: chance(50) ? below(200) : 0,
    never: chance(30) ? below(10) : 0,
  };
}
