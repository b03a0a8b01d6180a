/**
 * Random machines: what an episode of a stress run is made of. A pure function of the seed, so that an episode can be
 * run again alone.
 */
import type { DeviceDescription, MachineDescription } from "../machine/description.ts";
import { INTERRUPT_MODES } from "../machine/description.ts";
import { Random } from "../wire/random.ts";

/** What the guest program of an episode may do besides traffic. */
export const ACTIONS = ["traffic", "reset", "rebind", "suspend", "mask", "starve"] as const;
export type Action = (typeof ACTIONS)[number];
export type Weights = Readonly<Record<Action, number>>;

/** Devices that stress knows how to verify. */
export const STRESSED = ["blk", "rng", "net", "console"] as const;
export type Stressed = (typeof STRESSED)[number];

export interface Episode {
  readonly seed: number;
  readonly machine: MachineDescription;
  readonly weights: Weights;
  readonly actions: number;
  /** Of the machine's devices, by slot, those that the program drives. */
  readonly devices: readonly { readonly type: Stressed; readonly slot: number }[];
}

const ACTIONS_PER_EPISODE = 60;
const FIRST_SLOT = 4;
const QUEUE_EXPONENT_MAX = 15;
/** The largest ring takes 210 pages, and a machine may have several. */
const MEMORY = "32M";

export function episode(seed: number, only: readonly Stressed[] = STRESSED): Episode {
  const random = new Random(seed);
  const below = (limit: number) => random.next() % limit;
  const chance = (percent: number) => below(100) < percent;
  // Every fourth slot is on the same INTx line.
  const stride = chance(30) ? 4 : 1;
  const devices = Array.from({ length: 1 + below(4) }, (_, index) => ({
    type: only[below(only.length)] ?? "rng",
    slot: FIRST_SLOT + index * stride,
  }));
  const interrupts = INTERRUPT_MODES[below(INTERRUPT_MODES.length)] ?? "auto";
  // Too few vectors drive the driver through its tiers, where it may choose the tier.
  const fewVectors = () => interrupts === "auto" && chance(40);
  return {
    seed,
    devices,
    actions: ACTIONS_PER_EPISODE,
    weights: weights(below, chance),
    machine: {
      memory: MEMORY,
      interrupts,
      indirect: chance(50),
      eventIndex: chance(50),
      kickFastPath: chance(75),
      pollMaxUs: [0, 10, 100, 1000][below(4)] ?? 100,
      devices: devices.map(({ type, slot }) => describe(type, slot, below, chance, fewVectors())),
    },
  };
}

/** Some actions are switched off entirely: what is rare in the mix of all is common in some. */
function weights(below: (limit: number) => number, chance: (percent: number) => boolean): Weights {
  const weight = (off: number, most: number) => (chance(off) ? 0 : 1 + below(most));
  return {
    traffic: 4 + below(12),
    reset: weight(40, 4),
    rebind: weight(40, 4),
    suspend: weight(40, 4),
    mask: weight(40, 4),
    starve: weight(50, 3),
  };
}

function describe(
  type: Stressed,
  slot: number,
  below: (limit: number) => number,
  chance: (percent: number) => boolean,
  fewVectors: boolean,
): DeviceDescription {
  // Small queues are full all the time, and that is where trouble is: half are.
  const queueSize = 2 ** (chance(50) ? 1 + below(4) : 1 + below(QUEUE_EXPONENT_MAX));
  const options = { blk: { size: "1M" }, rng: {}, net: { backend: "loop" }, console: { echo: true } }[type];
  return {
    type,
    slot,
    queueSize: type === "blk" ? Math.max(4, queueSize) : queueSize,
    ...(fewVectors && { vectors: below(4) }),
    options,
  };
}
