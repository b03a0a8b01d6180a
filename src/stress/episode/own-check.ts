/** A user's modules, tried once before a campaign: what is wrong with them is said in a line, before anything runs. */
import { UsageError } from "../../host/device.ts";
import { Machine } from "../../machine/machine.ts";
import { displayUrl } from "../../machine/thread.ts";
import { allocateShared } from "../../memory/attach.ts";
import { PROGRAM } from "../modules.ts";
import type { ProgramArguments } from "./mounts.ts";
import { type Episode, episode, type Own } from "./swarm.ts";

const START_MS = 10_000;
const STALL_MS = 2000;

/** Throws a `UsageError` unless a machine with the modules comes up and a driver takes the device. */
export async function checkOwn(own: Own): Promise<void> {
  const modules = [own.device, own.driver].flatMap((url) => (url === undefined ? [] : [displayUrl(url)]));
  const trial = trialEpisode(own);
  let machine: Machine | undefined;
  try {
    machine = await Machine.start(trial.machine);
    const args: ProgramArguments = { episode: trial, ledgers: [], resting: allocateShared(4) };
    const { verdict, reason } = await machine.run(PROGRAM, args);
    if (verdict !== "completed") throw new Error(reason ?? verdict);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { name, message } = error as Error;
    const why = name === "StallError" ? `does not return from loading or create() (${message})` : message;
    throw new UsageError(`${modules.join(", ")}: ${why}`);
  } finally {
    await machine?.end();
  }
}

/** One device, and a program that does nothing with it. */
function trialEpisode(own: Own): Episode {
  const [device] = episode(1, { own }).machine.devices ?? [];
  const { type = "blk" } = device ?? {};
  const options = own.device === undefined ? { size: "1M" } : {};
  return {
    ...episode(1, { own }),
    actions: 0,
    plants: {},
    devices: [{ type: "own", slot: 4 }],
    machine: {
      memory: "32M",
      devices: [{ type, slot: 4, options }],
      deadlines: { startMs: START_MS, stallMs: STALL_MS },
    },
  };
}
