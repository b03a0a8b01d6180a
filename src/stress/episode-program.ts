/** The guest program of an episode: traffic on every device, and life's interruptions at random moments. */
import { defineGuest, type GuestContext } from "../guest/define.ts";
import type { VirtioDevice } from "../guest/virtio/types.ts";
import { formatBdf } from "../wire/pci.ts";
import { Random } from "../wire/random.ts";
import { ConsoleRider } from "./riders/console-rider.ts";
import { DiskRider } from "./riders/disk-rider.ts";
import { EntropyRider } from "./riders/entropy-rider.ts";
import { NetRider } from "./riders/net-rider.ts";
import type { Rider, RiderContext } from "./riders/rider.ts";
import type { Action, Episode, Stressed } from "./swarm.ts";

export interface EpisodeResult {
  readonly actions: number;
  readonly bytesVerified: number;
  readonly byAction: Readonly<Record<string, number>>;
}

const RIDERS: Readonly<Record<Stressed, new (context: RiderContext) => Rider>> = {
  blk: DiskRider,
  rng: EntropyRider,
  net: NetRider,
  console: ConsoleRider,
};

const RIDES_MAX = 24;
/** How long a side may be kept from running: log-uniform, as chaos modes do it. */
const STARVE_MS = { least: 1, most: 100 };

interface Mount {
  readonly rider: Rider;
  readonly busName: string;
}

export default defineGuest(async (guest): Promise<EpisodeResult> => {
  const episode = guest.args as Episode;
  const stress = new EpisodeRun(guest, episode);
  return stress.run();
});

class EpisodeRun {
  readonly #guest: GuestContext;
  readonly #episode: Episode;
  readonly #random: Random;
  readonly #mounts: readonly Mount[];
  readonly #byAction = new Map<string, number>();
  readonly #rides = new Set<Promise<void>>();
  #failure: Error | undefined;

  constructor(guest: GuestContext, episode: Episode) {
    this.#guest = guest;
    this.#episode = episode;
    this.#random = new Random(episode.seed ^ 0x5eed);
    this.#mounts = episode.devices.map(({ type, slot }) => ({
      rider: new RIDERS[type]({ guest, random: this.#random }),
      busName: formatBdf({ bus: 0, slot, function: 0 }),
    }));
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
    return {
      actions: [...this.#byAction.values()].reduce((sum, count) => sum + count, 0),
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
    const device = mount && this.#device(mount);
    if (mount === undefined || device === undefined)
      throw new Error("a device is gone that nobody unplugged");
    await this.#actions[action](mount, device);
  }

  readonly #actions: Readonly<Record<Action, (mount: Mount, device: VirtioDevice) => Promise<void> | void>> =
    {
      traffic: (mount, device) => this.#traffic(mount, device),
      reset: (_mount, device) => this.#guest.virtio.reset(device),
      rebind: ({ busName }) => {
        const pci = this.#pciDevice(busName);
        this.#guest.pci.unbind(pci);
        if (!this.#guest.pci.attach(pci)) throw new Error(`${busName}: no driver took the device back`);
      },
      suspend: async ({ busName }) => {
        const pci = this.#pciDevice(busName);
        this.#guest.pci.suspend(pci);
        await this.#pause(5);
        this.#guest.pci.resume(pci);
      },
      mask: async ({ busName }) => {
        const pci = this.#pciDevice(busName);
        // Too few vectors leave a function on its line: there is nothing to mask.
        if (pci.msixSize === 0) return;
        this.#guest.pci.maskFunction(pci, true);
        await this.#pause(5);
        this.#guest.pci.maskFunction(pci, false);
      },
      starve: () => {
        const { least, most } = STARVE_MS;
        const until = performance.now() + least * (most / least) ** (this.#random.next() / 2 ** 32);
        while (performance.now() < until);
      },
    };

  #traffic({ rider }: Mount, device: VirtioDevice): void {
    while (this.#rides.size < RIDES_MAX) {
      const ride = rider.ride(device).catch((error) => {
        this.#failure ??= error as Error;
      });
      this.#rides.add(ride);
      void ride.then(() => this.#rides.delete(ride));
      if (this.#random.next() % 4 === 0) return;
    }
  }

  /** Everything that was begun ends; then what must hold is looked at. */
  async #rest(): Promise<void> {
    await Promise.all(this.#rides);
    for (const mount of this.#mounts) {
      const device = this.#device(mount);
      if (device !== undefined && this.#failure === undefined) await mount.rider.rest(device);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #pause(msMax: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#random.next() % msMax));
  }

  #device({ busName }: Mount): VirtioDevice | undefined {
    return this.#guest.virtio.devices.find(({ transport }) => transport.busName === busName);
  }

  #pciDevice(busName: string) {
    const found = this.#guest.pci.devices.find(({ name }) => name === busName);
    if (found === undefined) throw new Error(`${busName}: gone`);
    return found;
  }
}
