/**
 * Attacks a driver with a hostile device, round by round: a guest boots, its driver binds (or refuses), requests are
 * made while the device lies and scribbles, then the driver leaves. Whatever happened, nothing may throw, every
 * request must have ended once, and everything the driver took must be given back.
 */
import type { DeviceDefinition, DeviceOptions } from "../host/device.ts";
import { Random } from "../wire/random.ts";
import type { AttackFinding, AttackOptions, AttackReport } from "./attack-device.ts";
import { BenchMachine } from "./bench-machine.ts";
import { leave, workOn } from "./exercise.ts";
import { HostileDevice } from "./hostile-device.ts";
import { seededPlatform } from "./seeded-platform.ts";

const RAM_BYTES = 1 << 20;
const TURNS_PER_ROUND = 24;
const REQUESTS_PER_ROUND = 3;
const TURNS_TO_END = 2000;

export async function attackDriver(attack: AttackOptions): Promise<AttackReport> {
  const { definition, seed, inputs } = attack;
  const random = new Random(seed);
  const begun = performance.now();
  let machine = await freshMachine(definition, attack.options, seed);
  const counts = new Map<string, number>();
  let device = new HostileDevice({ ...machine, random, counts });
  let finding: AttackFinding | null = null;
  let rounds = 0;
  const told = () => [...counts.values()].reduce((sum, count) => sum + count, 0);
  while (finding === null && told() < inputs) {
    try {
      await round(machine, device, random);
    } catch (error) {
      const { message, stack } = error as Error;
      finding = { input: told(), what: `round ${rounds}: ${message}`, stack: stack ?? message };
    }
    if (++rounds % 500 === 0) {
      // The honest device behind it may have been left with I/O of its own: begin afresh now and then.
      await machine.host.close();
      machine = await freshMachine(definition, attack.options, seed + rounds);
      device = new HostileDevice({ ...machine, random, counts });
      attack.progress?.(told());
    }
  }
  await machine.host.close().catch(() => undefined);
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

async function round(machine: BenchMachine, device: HostileDevice, random: Random): Promise<void> {
  device.forget();
  device.honest = random.next() % 4 === 0;
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
    device.tamper();
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

async function freshMachine(
  definition: DeviceDefinition,
  options: DeviceOptions,
  seed: number,
): Promise<BenchMachine> {
  const platform = seededPlatform(seed);
  const machine = new BenchMachine({ ramBytes: RAM_BYTES, platform });
  machine.addDevice(definition.name, definition.virtioId, await definition.create(options, platform), 16);
  return machine;
}
