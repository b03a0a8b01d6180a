/** The guest program of an episode: traffic on every device, and life's interruptions at random moments. */
import { defineGuest, type GuestContext } from "../../guest/define.ts";
import type { PciDevice } from "../../guest/pci/pci-device.ts";
import type { VirtioDevice } from "../../guest/virtio/types.ts";
import { UsageError } from "../../host/device.ts";
import { allocateShared } from "../../memory/attach.ts";
import { LiveMemory } from "../../memory/live-memory.ts";
import { Random } from "../../wire/random.ts";
import { CPU_PROGRAM } from "../modules.ts";
import type { CpuArguments } from "./cpu-program.ts";
import { Mischief } from "./mischief.ts";
import { boundDevice, type Mount, mountAll, type ProgramArguments } from "./mounts.ts";
import { loadOwn } from "./own.ts";
import { Rides } from "./rides.ts";
import { ACTIONS, type Action, choose, type Episode } from "./swarm.ts";

export interface EpisodeResult {
  readonly bytesVerified: number;
  readonly byAction: Readonly<Record<string, number>>;
}

/** A device that was taken out is put back soon, if a host need not be started for it. */
const AWAY_MS_MAX = 60_000;
/** A ride on a disk that may never answer: then the device is reset, as a kernel does. */
const PATIENCE_MS = 150;

export default defineGuest(async (guest): Promise<EpisodeResult> => {
  const { episode } = guest.args as ProgramArguments;
  const own = episode.own && (await loadOwn(guest, episode.own));
  const random = new Random(episode.seed ^ 0x5eed);
  const mounts = mountAll(guest, random, own);
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

class EpisodeRun {
  readonly #guest: GuestContext;
  readonly #episode: Episode;
  readonly #random: Random;
  readonly #mounts: readonly Mount[];
  readonly #mischief: Mischief;
  readonly #byAction: Record<string, number> = {};
  readonly #rides: Rides;
  readonly #resting: LiveMemory;
  readonly #stopOthers = allocateShared(4);

  constructor(guest: GuestContext, episode: Episode, random: Random, mounts: readonly Mount[]) {
    this.#guest = guest;
    this.#episode = episode;
    this.#random = random;
    this.#mounts = mounts;
    this.#mischief = new Mischief(guest, random);
    this.#rides = new Rides(episode.ridesMax);
    this.#resting = new LiveMemory((guest.args as ProgramArguments).resting);
  }

  async run(): Promise<EpisodeResult> {
    const others = this.#startOthers();
    // Looked at below, when they are told to stop; a failure of one of them ends the program at once.
    let failed = false;
    others.catch(() => {
      failed = true;
    });
    const { actions, plants } = this.#episode;
    for (let done = 0; done < actions && this.#rides.failure === undefined && !failed; done++) {
      const action = choose(ACTIONS, this.#episode.weights, this.#random);
      this.#byAction[action] = (this.#byAction[action] ?? 0) + 1;
      await this.#do(action);
      if (this.#random.next() % 8 === 0) await this.#rest();
      this.#guest.progress("actions", done + 1, actions);
    }
    if (this.#rides.failure !== undefined) throw this.#rides.failure;
    new LiveMemory(this.#stopOthers).store32(0, 1, 0);
    this.#rides.add(others);
    await this.#rest();
    // What was sent twice arrives, too.
    if (plants.fault !== undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    return (await others).reduce(add, {
      bytesVerified: this.#mounts.reduce((sum, { rider }) => sum + rider.bytesVerified, 0),
      byAction: this.#byAction,
    });
  }

  #startOthers(): Promise<EpisodeResult[]> {
    const { args, cpus, runOn } = this.#guest;
    const cpuArgs: CpuArguments = { ...(args as ProgramArguments), stop: this.#stopOthers };
    const others = Array.from({ length: cpus - 1 }, (_, index) => runOn(index + 1, CPU_PROGRAM, cpuArgs));
    return Promise.all(others) as Promise<EpisodeResult[]>;
  }

  async #do(action: Action): Promise<void> {
    const mount = this.#mounts[this.#random.next() % this.#mounts.length];
    if (mount === undefined) throw new Error("an episode has at least one device");
    const device = await this.#deviceOf(mount);
    if (action === "traffic") await this.#rides.begin(mount.rider, device, this.#random);
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
    const { startMs = AWAY_MS_MAX } = this.#episode.machine.deadlines ?? {};
    const begun = Date.now();
    for (let turn = 0; ; turn++) {
      const device = boundDevice(this.#guest, busName);
      if (device !== undefined) return device;
      if (Date.now() - begun > startMs)
        throw new Error(`${busName}: gone, or without a driver, for too long`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      // It may be there and its driver have refused it, because there was no memory or it was about to go.
      const pci: PciDevice | undefined = this.#guest.pci.devices.find(({ name }) => name === busName);
      if (pci !== undefined && turn % 8 === 7) this.#mischief.tryAgain(pci);
    }
  }

  /** Everything that was begun ends; then what must hold is looked at. */
  async #rest(): Promise<void> {
    this.#resting.store32(0, 1, 0);
    await this.#ended();
    for (const { busName, rider } of this.#mounts) {
      const device = boundDevice(this.#guest, busName);
      if (device === undefined || this.#rides.failure !== undefined) continue;
      void this.#rides.add(rider.rest(device));
      await this.#ended();
    }
    this.#resting.store32(0, 0, 0);
    if (this.#rides.failure !== undefined) throw this.#rides.failure;
  }

  /** Where a back-end may never answer, patience has an end, and the devices are reset. */
  #ended(): Promise<void> {
    const { flaky, plants } = this.#episode;
    if (!flaky || plants.fault !== undefined) return this.#rides.ended();
    const { virtio } = this.#guest;
    return this.#rides.ended(PATIENCE_MS, () => {
      for (const device of virtio.devices) virtio.reset(device);
    });
  }
}

function add(one: EpisodeResult, other: EpisodeResult): EpisodeResult {
  const byAction: Record<string, number> = { ...one.byAction };
  for (const [action, count] of Object.entries(other.byAction))
    byAction[action] = (byAction[action] ?? 0) + count;
  return { bytesVerified: one.bytesVerified + other.bytesVerified, byAction };
}
