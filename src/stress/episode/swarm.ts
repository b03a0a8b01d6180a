/**
 * Random machines: what an episode of a stress run is made of. A pure function of the seed (and of what the user asked
 * for), so that an episode can be run again alone.
 */
import type { Deadlines, MachineDescription } from "../../machine/description.ts";
import { INTERRUPT_MODES } from "../../machine/description.ts";
import type { Random } from "../../wire/random.ts";
import { Dice } from "./dice.ts";
import type { Plants } from "./plants.ts";
import { randomDevice } from "./random-device.ts";
import type { Victim } from "./victim.ts";

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

/** What happens to the machine from outside: devices come, go and change, workers die. */
export const DEEDS = ["unplug", "pull", "change", "kill host", "kill guest"] as const;
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
  /** The monitor watches every machine that can be watched, or none; otherwise most. */
  readonly monitor?: boolean;
  /** Newest events to keep of each thread, for a trace of a finding. */
  readonly traceEvents?: number;
  /** A defect of the hunter's to plant, by its id. */
  readonly defect?: string;
  /** Other than those that are long enough for a busy machine. */
  readonly deadlines?: Partial<Deadlines>;
}

/** One of the names, by weight. */
export function choose<Name extends string>(
  names: readonly [Name, ...Name[]],
  weights: Weights<Name>,
  random: Pick<Random, "next">,
): Name {
  let ticket = random.next() % names.reduce((sum, name) => sum + weights[name], 0);
  for (const name of names) {
    ticket -= weights[name];
    if (ticket < 0) return name;
  }
  return names[0];
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

/**
 * A busy machine is no finding: a host may take seconds to start again. A guest waits for one longer than it may take, so
 * that what is found is a host that did not start, and no register that did not answer.
 */
const DEADLINES: Deadlines = {
  startMs: 60_000,
  portMs: 90_000,
  ioThreadMs: 60_000,
  unplugMs: 30_000,
  commandMs: 30_000,
  stopMs: 30_000,
  stallMs: 20_000,
};
const ACTIONS_PER_EPISODE = 100;
const RIDES_MAX = 24;
const FIRST_SLOT = 4;
const CPUS_MAX = 4;
const IO_THREADS_MAX = 2;
/** Per cent of machines that the monitor watches: it slows both sides down, and what it slows down it may hide. */
const WATCHED = 70;
/** The largest ring takes 210 pages, and a machine may have several; other CPUs have half of it together. */
const MEMORY = { oneCpu: "32M", severalCpus: "128M" };
/** Where indices may go wrong rings start this far before, at most. */
const BEFORE_WRAP = 64;
const WRAPS = [0x1_0000, 0x8000] as const;
/** Between two times that the host is kept from running, at most. */
const HOST_PAUSE_MS_MAX = 1500;

export function episode(seed: number, wishes: Wishes = {}): Episode {
  const dice = new Dice(seed);
  const { own, defect, traceEvents } = wishes;
  const types: readonly Stressed[] = own !== undefined ? ["own"] : (wishes.only ?? STRESSED);
  // Every fourth slot is on the same INTx line.
  const stride = dice.chance(30) ? 4 : 1;
  const devices = Array.from({ length: 1 + dice.below(4) }, (_, index) => ({
    type: types[dice.below(types.length)] ?? "rng",
    slot: FIRST_SLOT + index * stride,
  }));
  const interrupts = dice.pick(INTERRUPT_MODES);
  const indirect = dice.chance(50);
  // A user's driver is not loaded on other CPUs.
  const cpus = own === undefined && dice.chance(35) ? 2 + dice.below(CPUS_MAX - 1) : 1;
  const flaky = dice.chance(25);
  const ringStart = dice.chance(30) ? randomRingStart(dice) : undefined;
  const ioThreads = dice.chance(30) ? 1 + dice.below(IO_THREADS_MAX) : 0;
  const victim = dice.chance(25) ? randomVictim(dice, ioThreads) : undefined;
  // The monitor holds rings to the specification, by which their indices start at 0.
  const watched =
    (dice.chance(WATCHED) || wishes.monitor === true) && wishes.monitor !== false && ringStart === undefined;
  return {
    seed,
    devices,
    actions: ACTIONS_PER_EPISODE,
    ridesMax: RIDES_MAX,
    flaky,
    ...(own && { own }),
    plants: {
      ...(ringStart !== undefined && { ringStart }),
      ...(victim && { victim }),
      ...(defect !== undefined && { defect }),
    },
    weights: weights(dice),
    deeds: deeds(dice),
    machine: {
      memory: cpus > 1 ? MEMORY.severalCpus : MEMORY.oneCpu,
      cpus,
      ioThreads,
      interrupts,
      indirect,
      eventIndex: dice.chance(50),
      kickFastPath: dice.chance(75),
      pollMaxUs: dice.pick([0, 10, 100, 1000]),
      devices: devices.map(({ type, slot }) => {
        // Too few vectors drive the driver through its tiers, where it may choose the tier.
        const fewVectors = interrupts === "auto" && dice.chance(40);
        return randomDevice({ type, slot, dice, cpus, ioThreads, indirect, fewVectors, flaky, own });
      }),
      deadlines: { ...DEADLINES, ...wishes.deadlines },
      watch: {
        monitor: watched,
        traceEvents: traceEvents ?? 0,
      },
    },
  };
}

/** Mostly shortly before indices wrap, or become negative where somebody takes them for signed. */
function randomRingStart(dice: Dice): number {
  return dice.chance(30) ? dice.below(0x1_0000) : dice.pick(WRAPS) - dice.below(BEFORE_WRAP);
}

const randomVictim = (dice: Dice, ioThreads: number): Victim => ({
  side: ioThreads > 0 && dice.chance(50) ? "io" : "host",
  seed: dice.below(2 ** 31),
  pauseMsMax: HOST_PAUSE_MS_MAX,
  clockJumps: dice.chance(50),
});

/** Some actions are switched off entirely: what is rare in the mix of all is common in some. */
function weights(dice: Dice): Weights<Action> {
  const weight = (off: number, most: number) => (dice.chance(off) ? 0 : 1 + dice.below(most));
  return {
    traffic: 4 + dice.below(12),
    reset: weight(40, 4),
    rebind: weight(40, 4),
    suspend: weight(40, 4),
    mask: weight(40, 4),
    starve: weight(50, 2),
    pressure: weight(70, 2),
    clock: weight(70, 2),
  };
}

function deeds(dice: Dice): Weights<Deed> {
  const weight = (off: number, most: number) => (dice.chance(off) ? 0 : 1 + dice.below(most));
  return {
    unplug: weight(50, 6),
    pull: weight(50, 6),
    change: weight(20, 6),
    "kill host": weight(70, 2),
    "kill guest": weight(90, 1),
  };
}
