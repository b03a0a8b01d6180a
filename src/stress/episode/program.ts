/** The guest program of an episode: traffic on every device, and life's interruptions at random moments. */
import { defineGuest, type GuestContext } from "../../guest/define.ts";
import type { PciDevice } from "../../guest/pci/pci-device.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { UsageError } from "../../host/device.ts";
import type { SharedBuffer } from "../../memory/attach.ts";
import { formatBdf } from "../../wire/pci.ts";
import { Random } from "../../wire/random.ts";
import { DiskLedger } from "./disk-ledger.ts";
import { Mischief } from "./mischief.ts";
import { loadOwn } from "./own.ts";
import { BalloonRider } from "./riders/balloon-rider.ts";
import { ConsoleRider } from "./riders/console-rider.ts";
import { DiskRider } from "./riders/disk-rider.ts";
import { EntropyRider } from "./riders/entropy-rider.ts";
import { NetRider } from "./riders/net-rider.ts";
import type { Rider, RiderContext } from "./riders/rider.ts";
import type { Action, Episode, Stressed } from "./swarm.ts";

export interface EpisodeResult {
  readonly bytesVerified: number;
  readonly byAction: Readonly<Record<string, number>>;
}

export interface ProgramArguments {
  readonly episode: Episode;
  /** One per device, in order; only disks use theirs. */
  readonly ledgers: readonly SharedBuffer[];
}

const RIDERS: Readonly<Record<Exclude<Stressed, "own">, new (context: RiderContext) => Rider>> = {
  blk: DiskRider,
  rng: EntropyRider,
  net: NetRider,
  console: ConsoleRider,
  balloon: BalloonRider,
};

/** A device that was taken out is put back soon. */
const AWAY_MS_MAX = 60_000;
/** A ride on a disk that may never answer: then the device is reset, as a kernel does. */
const PATIENCE_MS = 150;

interface Mount {
  readonly rider: Rider;
  readonly busName: string;
}

export default defineGuest(async (guest): Promise<EpisodeResult> => {
  const { episode, ledgers } = guest.args as ProgramArguments;
  const own = episode.own && (await loadOwn(guest, episode.own));
  const random = new Random(episode.seed ^ 0x5eed);
  const mounts = episode.devices.map(({ type, slot }, index): Mount => {
    const busName = formatBdf({ bus: 0, slot, function: 0 });
    const buffer = ledgers[index];
    const context: RiderContext = {
      guest,
      random,
      ledger: buffer && new DiskLedger(buffer),
      device: () => boundDevice(guest, busName),
      tolerates: (error) => tolerates(episode, error as Error),
    };
    return {
      busName,
      rider: type === "own" && own ? own(context) : new RIDERS[type === "own" ? "blk" : type](context),
    };
  });
  if (episode.actions === 0) checkBound(guest, mounts);
  return new EpisodeRun(guest, episode, random, mounts).run();
});

/** A trial of a user's modules: somebody must have taken the device. */
function checkBound(guest: GuestContext, mounts: readonly Mount[]): void {
  for (const { busName } of mounts) {
    if (boundDevice(guest, busName) !== undefined) continue;
    const id = guest.virtio.devices.find(({ transport }) => transport.busName === busName)?.id.device;
    throw new UsageError(`no driver takes the device (virtio id ${id}): --driver names a module with one`);
  }
}

/** How a request may end without being a finding. */
function tolerates({ flaky, weights, plants }: Episode, error: Error): boolean {
  if (plants.fault !== undefined) return false;
  if (error.name === "CancelledError") return true;
  if (flaky && /I\/O error/.test(error.message)) return true;
  return weights.pressure > 0 && /memory/.test(error.message);
}

/** Undefined while it is away, or no driver has it. */
function boundDevice({ virtio }: GuestContext, busName: string): VirtioDevice | undefined {
  const found = virtio.devices.find(({ transport }) => transport.busName === busName);
  return found?.driverData === undefined ? undefined : found;
}

class EpisodeRun {
  readonly #guest: GuestContext;
  readonly #episode: Episode;
  readonly #random: Random;
  readonly #mounts: readonly Mount[];
  readonly #mischief: Mischief;
  readonly #byAction = new Map<string, number>();
  readonly #rides = new Set<Promise<void>>();
  #failure: Error | undefined;

  constructor(guest: GuestContext, episode: Episode, random: Random, mounts: readonly Mount[]) {
    this.#guest = guest;
    this.#episode = episode;
    this.#random = random;
    this.#mounts = mounts;
    this.#mischief = new Mischief(guest, random);
  }

  async run(): Promise<EpisodeResult> {
    for (let done = 0; done < this.#episode.actions && this.#failure === undefined; done++) {
      const action = this.#choose();
      this.#byAction.set(action, (this.#byAction.get(action) ?? 0) + 1);
      await this.#do(action);
      if (this.#random.next() % 8 === 0) await this.#rest();
      this.#guest.progress("actions", done + 1, this.#episode.actions);
    }
    await this.#rest();
    // What was sent twice arrives, too.
    if (this.#episode.plants.fault !== undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    return {
      bytesVerified: this.#mounts.reduce((sum, { rider }) => sum + rider.bytesVerified, 0),
      byAction: Object.fromEntries(this.#byAction),
    };
  }

  #choose(): Action {
    const weights = Object.entries(this.#episode.weights) as [Action, number][];
    let ticket = this.#random.next() % weights.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [action, weight] of weights) {
      ticket -= weight;
      if (ticket < 0) return action;
    }
    return "traffic";
  }

  async #do(action: Action): Promise<void> {
    const mount = this.#mounts[this.#random.next() % this.#mounts.length];
    if (mount === undefined) throw new Error("an episode has at least one device");
    const device = await this.#deviceOf(mount);
    if (action === "traffic") await this.#traffic(mount, device);
    else if (action === "reset") this.#guest.virtio.reset(device);
    else if (action === "starve" || action === "clock" || action === "pressure")
      await this.#mischief[action]();
    else {
      const pci = this.#guest.pci.devices.find(({ name }) => name === mount.busName);
      if (pci !== undefined) await this.#mischief[action](pci);
    }
  }

  /** The device of a mount; if somebody has it out, when it is back. */
  async #deviceOf({ busName }: Mount): Promise<VirtioDevice> {
    const begun = Date.now();
    for (let turn = 0; ; turn++) {
      const device = boundDevice(this.#guest, busName);
      if (device !== undefined) return device;
      if (Date.now() - begun > AWAY_MS_MAX)
        throw new Error(`${busName}: gone, or without a driver, for too long`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      // It may be there and its driver have refused it, because there was no memory or it was about to go.
      const pci: PciDevice | undefined = this.#guest.pci.devices.find(({ name }) => name === busName);
      if (pci !== undefined && turn % 8 === 7) this.#mischief.tryAgain(pci);
    }
  }

  async #traffic({ rider }: Mount, device: VirtioDevice): Promise<void> {
    // It may have gone since it was looked up, and the next one be on its way.
    while (this.#rides.size < this.#episode.ridesMax && device.driverData !== undefined) {
      const ride = rider.ride(device).catch((error) => {
        this.#failure ??= error as Error;
      });
      this.#rides.add(ride);
      void ride.then(() => this.#rides.delete(ride));
      if (this.#random.next() % 4 === 0) return;
      if (this.#episode.ridesMax === 1) await ride;
    }
  }

  /** Everything that was begun ends; then what must hold is looked at. */
  async #rest(): Promise<void> {
    await this.#ended();
    for (const mount of this.#mounts) {
      const device = boundDevice(this.#guest, mount.busName);
      if (device === undefined || this.#failure !== undefined) continue;
      const resting = mount.rider.rest(device).catch((error) => {
        this.#failure ??= error as Error;
      });
      this.#rides.add(resting);
      void resting.then(() => this.#rides.delete(resting));
      await this.#ended();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Where a back-end may never answer, patience has an end, and the devices are reset. */
  async #ended(): Promise<void> {
    const impatient = this.#episode.flaky && this.#episode.plants.fault === undefined;
    while (this.#rides.size > 0) {
      const all = Promise.all(this.#rides);
      if (!impatient) {
        await all;
        continue;
      }
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS, "late");
      });
      const ended = await Promise.race([all, late]);
      clearTimeout(timer);
      if (ended === "late") for (const device of this.#guest.virtio.devices) this.#guest.virtio.reset(device);
    }
  }
}
