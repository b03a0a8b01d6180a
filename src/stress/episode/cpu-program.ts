/** An episode's guest program on each CPU but the first: traffic through the queues that it has been given. */
import { defineGuest } from "../../guest/define.ts";
import type { SharedBuffer } from "../../memory/attach.ts";
import { LiveMemory } from "../../memory/live-memory.ts";
import { Random } from "../../wire/random.ts";
import { Mischief } from "./mischief.ts";
import { boundDevice, mountAll, type ProgramArguments } from "./mounts.ts";
import type { EpisodeResult } from "./program.ts";
import { Rides } from "./rides.ts";
import { choose } from "./swarm.ts";

export interface CpuArguments extends ProgramArguments {
  /** A word that is not 0 when everything is to end. */
  readonly stop: SharedBuffer;
}

/** What a CPU can do to itself; what is done to devices is CPU 0's. */
const CPU_ACTIONS = ["traffic", "starve", "pressure", "clock"] as const;
const PAUSE_MS_MAX = 4;
/** It acts far more often than CPU 0, whose every step may be a reset, and which waits for it then. */
const TRAFFIC_ONLY = 24;

export default defineGuest(async (guest): Promise<EpisodeResult> => {
  const { episode, stop } = guest.args as CpuArguments;
  const stopped = new LiveMemory(stop);
  const random = new Random(episode.seed ^ (guest.cpu << 24));
  const mounts = mountAll(guest, random);
  const mischief = new Mischief(guest, random);
  const rides = new Rides(episode.ridesMax);
  const byAction: Record<string, number> = {};
  while (stopped.load32(0, 0) === 0 && rides.failure === undefined) {
    const action =
      random.next() % TRAFFIC_ONLY === 0 ? choose(CPU_ACTIONS, episode.weights, random) : "traffic";
    byAction[action] = (byAction[action] ?? 0) + 1;
    const mount = mounts[random.next() % mounts.length];
    const device = mount && boundDevice(guest, mount.busName);
    if (action !== "traffic") await mischief[action]();
    else if (mount !== undefined && device !== undefined) await rides.begin(mount.rider, device, random);
    await new Promise((resolve) => setTimeout(resolve, random.next() % PAUSE_MS_MAX));
  }
  await rides.ended();
  if (rides.failure !== undefined) throw rides.failure;
  return { bytesVerified: mounts.reduce((sum, { rider }) => sum + rider.bytesVerified, 0), byAction };
});
