/** The devices of an episode with what rides on them, as one CPU sees them. */
import type { GuestContext } from "../../guest/define.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import type { SharedBuffer } from "../../memory/attach.ts";
import { formatBdf } from "../../wire/pci.ts";
import type { Random } from "../../wire/random.ts";
import { DiskLedger } from "./disk-ledger.ts";
import { BalloonRider } from "./riders/balloon-rider.ts";
import { ConsoleRider } from "./riders/console-rider.ts";
import { DiskRider } from "./riders/disk-rider.ts";
import { EntropyRider } from "./riders/entropy-rider.ts";
import { NetRider } from "./riders/net-rider.ts";
import type { Rider, RiderContext } from "./riders/rider.ts";
import type { Episode, Stressed } from "./swarm.ts";

/** What a guest program of an episode is given. */
export interface ProgramArguments {
  readonly episode: Episode;
  /** One per device, in order; only disks use theirs. */
  readonly ledgers: readonly SharedBuffer[];
  /** A word that is not 0 while the program waits for what it has begun: then nobody helps by taking a device away. */
  readonly resting: SharedBuffer;
}

export interface Mount {
  readonly type: Stressed;
  readonly rider: Rider;
  readonly busName: string;
}

type MakeRider = (context: RiderContext) => Rider;

const RIDERS: Readonly<Record<Exclude<Stressed, "own">, MakeRider>> = {
  blk: (context) => new DiskRider(context),
  rng: (context) => new EntropyRider(context),
  net: (context) => new NetRider(context),
  console: (context) => new ConsoleRider(context),
  balloon: (context) => new BalloonRider(context),
};

/** `own` makes the riders of a user's device. */
export function mountAll(guest: GuestContext, random: Random, own?: MakeRider): Mount[] {
  const { episode, ledgers } = guest.args as ProgramArguments;
  return episode.devices.map(({ type, slot }, index): Mount => {
    const busName = formatBdf({ bus: 0, slot, function: 0 });
    const buffer = ledgers[index];
    const context: RiderContext = {
      guest,
      random,
      cpus: episode.machine.cpus ?? 1,
      ledger: buffer && new DiskLedger(buffer),
      device: () => boundDevice(guest, busName),
      tolerates: (error) => tolerates(episode, error as Error),
    };
    const make = type === "own" ? own : RIDERS[type];
    if (make === undefined) throw new Error("nothing rides on a user's device here");
    return { type, busName, rider: make(context) };
  });
}

/** Undefined while it is away, or no driver has it. */
export function boundDevice({ virtio }: GuestContext, busName: string): VirtioDevice | undefined {
  const found = virtio.devices.find(({ transport }) => transport.busName === busName);
  return found?.driverData === undefined ? undefined : found;
}

/** How a request may end without being a finding. */
export function tolerates(episode: Episode, error: Error): boolean {
  if (episode.plants.fault !== undefined) return false;
  if (error.name === "CancelledError") return true;
  if (error.name === "OutOfMemoryError") return memoryMayRunOut(episode);
  return episode.flaky && /I\/O error/.test(error.message);
}

/** The guest takes memory from itself, or a balloon whose target is moved does. */
const memoryMayRunOut = ({ weights, deeds, devices }: Episode): boolean =>
  weights.pressure > 0 || (deeds.change > 0 && devices.some(({ type }) => type === "balloon"));
