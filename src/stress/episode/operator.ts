/**
 * The hand that plugs and unplugs, moves the balloon's target and kills workers, at random moments while the guest
 * program of an episode runs. What it takes out it puts back.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { DeviceDescription } from "../../machine/description.ts";
import type { Machine } from "../../machine/machine.ts";
import { Random } from "../../wire/random.ts";
import type { Deed, Episode } from "./swarm.ts";

/** Between deeds, and how long a device may stay away. */
const PAUSE_MS_MAX = 80;
const AWAY_MS_MAX = 20;
const TARGETS = ["0", "1M", "4M", "12M", "30M"];

export class Operator {
  readonly byDeed = new Map<Deed, number>();
  readonly #machine: Machine;
  readonly #episode: Episode;
  readonly #random: Random;
  readonly #devices: readonly (DeviceDescription & { readonly slot: number })[];
  #stopped = false;
  /** Set when nothing can be done any more: the guest is dead. */
  #over = false;

  constructor(machine: Machine, episode: Episode, devices: readonly DeviceDescription[]) {
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

  /** Until `stop`, and the deed that is under way is done. */
  async run(): Promise<void> {
    const weights = Object.entries(this.#episode.deeds) as [Deed, number][];
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
    if (total === 0) return;
    while (!this.#stopped && !this.#over) {
      await delay(this.#below(PAUSE_MS_MAX));
      if (this.#stopped) return;
      let ticket = this.#below(total);
      for (const [deed, weight] of weights) {
        ticket -= weight;
        if (ticket >= 0) continue;
        if (await this.#do(deed)) this.byDeed.set(deed, (this.byDeed.get(deed) ?? 0) + 1);
        break;
      }
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** False: there was nothing to do it to. */
  async #do(deed: Deed): Promise<boolean> {
    if (deed === "kill host") await this.#machine.restartHost();
    else if (deed === "kill guest") {
      this.#over = true;
      await this.#machine.killGuest();
    } else if (deed === "target") return this.#target();
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

  async #target(): Promise<boolean> {
    const balloons = this.#episode.devices.filter(({ type }) => type === "balloon");
    const balloon = balloons[this.#below(balloons.length)];
    if (balloon === undefined) return false;
    const target = TARGETS[this.#below(TARGETS.length)] ?? "0";
    await this.#machine.deviceCommand(balloon.slot, "target", target);
    return true;
  }

  #below(limit: number): number {
    return this.#random.next() % Math.max(1, limit);
  }
}
