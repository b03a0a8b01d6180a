/**
 * Attacks a driver with a hostile device, round by round: a guest boots, its driver binds (or refuses), requests are
 * made while the device lies and scribbles, then the driver leaves. Whatever happened, nothing may throw, every
 * request must have ended once, and everything the driver took must be given back.
 */
import { createModel } from "../../machine/device-model.ts";
import { Random } from "../../wire/random.ts";
import {
  type AttackFinding,
  type AttackOptions,
  type AttackReport,
  partSeed,
  roundSeeds,
  shrinkFinding,
} from "./attack.ts";
import { BenchMachine } from "./bench-machine.ts";
import { leave, workOn } from "./exercise.ts";
import { HostileDevice } from "./hostile-device.ts";
import { seededPlatform } from "./seeded-platform.ts";

const RAM_BYTES = 1 << 20;
const TURNS_PER_ROUND = 24;
const REQUESTS_PER_ROUND = 3;
const TURNS_TO_END = 2000;
const ROUNDS_PER_MACHINE = 500;
/** One of so many rounds begins with an honest device. */
const HONEST_ONE_IN = 4;
const ALL_TURNS = Array.from({ length: TURNS_PER_ROUND }, (_, turn) => turn);

export async function attackDriver(attack: AttackOptions): Promise<AttackReport> {
  const { definition, seed, inputs, only } = attack;
  const begun = performance.now();
  const counts = new Map<string, number>();
  const told = () => [...counts.values()].reduce((sum, count) => sum + count, 0);
  let target = await freshTarget(attack, counts);
  let finding: AttackFinding | null = null;
  let rounds = 0;
  for (const round of roundSeeds(attack)) {
    if (attack.signal?.aborted) break;
    if (told() >= inputs && only === undefined) break;
    const turns = only !== undefined && only.inputs.length > 0 ? only.inputs : ALL_TURNS;
    const error = await attempt(target, round, turns);
    if (error !== undefined) {
      const what = `round ${rounds}: ${error.message}`;
      const replay = async (some: readonly number[]) => {
        const fresh = await freshTarget(attack, new Map());
        const again = await attempt(fresh, round, some);
        await fresh.machine.host.close();
        return again?.message;
      };
      const shrunk = await shrinkFinding(error.message, turns, replay, attack.signal);
      finding = { input: told(), round, shrunk, what, stack: error.stack ?? what };
      attack.keep?.(round, error.message);
      break;
    }
    if (++rounds % ROUNDS_PER_MACHINE !== 0) continue;
    // The honest device behind it may have been left with I/O of its own: begin afresh now and then.
    await target.machine.host.close();
    // Rounds are turns of promises; a signal needs one of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    target = await freshTarget(attack, counts);
    const grown = (await attack.coverage?.grown()) ?? 0;
    if (grown > 0) attack.keep?.(round, `${grown} new blocks`);
    attack.progress?.(told());
  }
  await target.machine.host.close().catch(() => undefined);
  return {
    device: definition.name,
    seed,
    inputs: told(),
    seconds: (performance.now() - begun) / 1000,
    byKind: Object.fromEntries(counts),
    violations: {},
    proofs: rounds,
    finding,
  };
}

interface Target {
  readonly machine: BenchMachine;
  readonly device: HostileDevice;
}

async function attempt(target: Target, seed: number, turns: readonly number[]): Promise<Error | undefined> {
  try {
    await round(target, seed, turns);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** `turns`: those in which the device does something bad of its own accord. Its registers lie in all of them. */
async function round({ machine, device }: Target, seed: number, turns: readonly number[]): Promise<void> {
  const random = new Random(seed);
  device.forget(new Random(random.next()));
  device.honest = random.next() % HONEST_ONE_IN === 0;
  const guest = machine.boot(device);
  device.honest = false;
  const name = guest.virtio.describe()[0]?.driver ?? undefined;
  const requests: { ended: boolean }[] = [];
  for (let turn = 0; turn < TURNS_PER_ROUND; turn++) {
    if (name !== undefined && requests.length < REQUESTS_PER_ROUND) {
      const [facade] = guest.virtio.findAll(name);
      if (facade !== undefined) requests.push(track(workOn(name, facade)));
    }
    if (random.next() % 2 === 0) machine.host.poll();
    if (turns.includes(turn)) device.tamper(new Random(partSeed(seed, turn)));
    guest.poll();
    await undefined;
  }
  leave(guest);
  // The next guest finds an honest device: who is left waiting now waits for ever.
  device.honest = true;
  for (let turn = 0; requests.some(({ ended }) => !ended); turn++) {
    if (turn === TURNS_TO_END) throw new Error("a request never ended, although its driver has left");
    await (turn < 20 ? undefined : new Promise((resolve) => setImmediate(resolve)));
  }
  machine.settle();
}

function track(work: Promise<unknown>): { ended: boolean } {
  const request = { ended: false };
  const end = () => {
    request.ended = true;
  };
  work.then(end, end);
  return request;
}

async function freshTarget(
  { definition, options, seed }: AttackOptions,
  counts: Map<string, number>,
): Promise<Target> {
  const platform = seededPlatform(seed);
  const machine = new BenchMachine({ ramBytes: RAM_BYTES, platform });
  machine.addDevice(
    definition.name,
    definition.virtioId,
    await createModel(definition, definition.name, options, platform),
    16,
  );
  return { machine, device: new HostileDevice({ ...machine, random: new Random(seed), counts }) };
}
