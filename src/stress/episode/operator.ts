/**
 * The hand that plugs and unplugs, changes devices and kills workers, at random moments while the guest program of an
 * episode runs. What it takes out it puts back.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { DeviceDescription } from "../../machine/description.ts";
import type { Machine } from "../../machine/machine.ts";
import type { LiveMemory } from "../../memory/live-memory.ts";
import { Random } from "../../wire/random.ts";
import { choose, DEEDS, type Deed, type Episode, type Stressed } from "./swarm.ts";

/** Between deeds, and how long a device may stay away. */
const PAUSE_MS_MAX = 80;
const AWAY_MS_MAX = 20;

type Change = readonly [command: string, value: string];
/** Configuration that changes under the driver: it is interrupted for each. Links are up more often than down. */
const CHANGES: Partial<Record<Stressed, readonly Change[]>> = {
  balloon: ["0", "1M", "4M", "12M", "30M"].map((target) => ["target", target]),
  blk: ["1M", "1536K", "2M"].map((size) => ["resize", size]),
  console: ["80x25", "132x50"].map((size) => ["resize", size]),
  net: ["up", "up", "down"].map((state) => ["link", state]),
};

export class Operator {
  readonly byDeed = new Map<Deed, number>();
  readonly #machine: Machine;
  readonly #episode: Episode;
  readonly #random: Random;
  readonly #devices: readonly (DeviceDescription & { readonly slot: number })[];
  readonly #resting: LiveMemory;
  #stopped = false;
  /** In hand, or failed. */
  #deed: { readonly name: Deed; failure?: string } | undefined;
  /** Set when nothing can be done any more: the guest is dead. */
  #over = false;

  /** While `resting` is not 0 it does nothing: what is lost must not come back by a reset. */
  constructor(
    machine: Machine,
    episode: Episode,
    devices: readonly DeviceDescription[],
    resting: LiveMemory,
  ) {
    this.#resting = resting;
    this.#machine = machine;
    this.#episode = episode;
    this.#random = new Random(episode.seed ^ 0x0be7a7e);
    this.#devices = devices.map((device, index) => ({
      ...device,
      slot: episode.devices[index]?.slot ?? 0,
    }));
  }

  /** Killed by this hand: then a crash is what was asked for. */
  get killedGuest(): boolean {
    return this.#over;
  }

  /** What it did not get done, in a sentence: it may be why a machine that has stalled does not get on. */
  get trouble(): string | undefined {
    if (this.#deed === undefined) return undefined;
    const { name, failure = "has not ended" } = this.#deed;
    return `"${name}" from outside: ${failure}`;
  }

  /** Until `stop`, and the deed that is under way is done. */
  async run(): Promise<void> {
    const { deeds } = this.#episode;
    if (DEEDS.every((deed) => deeds[deed] === 0)) return;
    while (!this.#stopped && !this.#over) {
      await delay(this.#below(PAUSE_MS_MAX));
      if (this.#stopped) return;
      if (this.#resting.load32(0, 0) !== 0) continue;
      const deed = choose(DEEDS, deeds, this.#random);
      if (await this.#tracked(deed)) this.byDeed.set(deed, (this.byDeed.get(deed) ?? 0) + 1);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #tracked(name: Deed): Promise<boolean> {
    const deed: { readonly name: Deed; failure?: string } = { name };
    this.#deed = deed;
    try {
      const done = await this.#do(name);
      this.#deed = undefined;
      return done;
    } catch (error) {
      deed.failure = (error as Error).message;
      throw error;
    }
  }

  /** False: there was nothing to do it to. */
  async #do(deed: Deed): Promise<boolean> {
    if (deed === "kill host") await this.#machine.restartHost();
    else if (deed === "kill guest") {
      this.#over = true;
      await this.#machine.killGuest();
    } else if (deed === "change") return this.#change();
    else await this.#unplug(deed === "pull");
    return true;
  }

  async #unplug(surprise: boolean): Promise<void> {
    const device = this.#devices[this.#below(this.#devices.length)];
    if (device === undefined) return;
    await this.#machine.unplug(device.slot, { surprise });
    await delay(this.#below(AWAY_MS_MAX));
    await this.#machine.plug(device);
  }

  async #change(): Promise<boolean> {
    const device = this.#episode.devices[this.#below(this.#episode.devices.length)];
    const changes = (device && CHANGES[device.type]) ?? [];
    const change = changes[this.#below(changes.length)];
    if (device === undefined || change === undefined) return false;
    await this.#machine.deviceCommand(device.slot, ...change);
    return true;
  }

  #below(limit: number): number {
    return this.#random.next() % Math.max(1, limit);
  }
}
