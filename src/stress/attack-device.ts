/**
 * Attacks a device with a hostile driver, in one thread, and proves after every so many inputs that the device is
 * still usable: a reset, a well-behaved guest, a request.
 */
import type { DeviceDefinition, DeviceOptions } from "../host/device.ts";
import { Random } from "../wire/random.ts";
import { ATTACK_SLOT, BenchMachine } from "./bench-machine.ts";
import { exercise } from "./exercise.ts";
import { HostileDriver } from "./hostile-driver.ts";
import { seededPlatform } from "./seeded-platform.ts";

export interface AttackOptions {
  readonly definition: DeviceDefinition;
  readonly options: DeviceOptions;
  readonly seed: number;
  readonly inputs: number;
  readonly progress?: (done: number) => void;
}

export interface AttackFinding {
  /** Repeats the attack up to here. */
  readonly input: number;
  readonly what: string;
  readonly stack: string;
}

export interface AttackReport {
  readonly device: string;
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
  readonly byKind: Readonly<Record<string, number>>;
  /** Breaches that the device noticed, by kind. */
  readonly violations: Readonly<Record<string, number>>;
  /** Times that the device was reset and found usable. */
  readonly proofs: number;
  readonly finding: AttackFinding | null;
}

const RAM_BYTES = 1 << 20;
/** Inputs between turns of the host, and between proofs that the device is usable. */
const INPUTS_PER_TURN = 8;
const INPUTS_PER_PROOF = 20_000;
/** A host turn that takes longer has lost itself in what it was given. */
const TURN_MS_MAX = 2000;

export async function attackDevice(attack: AttackOptions): Promise<AttackReport> {
  const { definition, seed } = attack;
  const random = new Random(seed);
  const machine = new BenchMachine({ ramBytes: RAM_BYTES, platform: seededPlatform(seed) });
  const model = await definition.create(attack.options, seededPlatform(seed));
  machine.addDevice(definition.name, definition.virtioId, model, 16);
  const driver = new HostileDriver({ ...machine, random, slot: ATTACK_SLOT, queues: model.queues.length });
  const begun = performance.now();
  let done = 0;
  let proofs = 0;
  let finding: AttackFinding | null = null;
  try {
    while (done < attack.inputs) {
      const until = Math.min(attack.inputs, done + INPUTS_PER_PROOF);
      driver.place();
      for (; done < until; done++) {
        driver.act();
        if (done % INPUTS_PER_TURN === 0) turn(machine);
        if (done % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await exercise(machine);
      proofs++;
      attack.progress?.(done);
    }
  } catch (error) {
    const { message, stack } = error as Error;
    finding = { input: done, what: message, stack: stack ?? message };
  }
  await machine.host.close().catch(() => undefined);
  return {
    device: definition.name,
    seed,
    inputs: done,
    seconds: (performance.now() - begun) / 1000,
    byKind: Object.fromEntries(driver.counts),
    violations: Object.fromEntries(machine.violations),
    proofs,
    finding,
  };
}

function turn(machine: BenchMachine): void {
  const begun = performance.now();
  machine.host.poll();
  const took = performance.now() - begun;
  if (took > TURN_MS_MAX) throw new Error(`one turn of the host took ${Math.round(took)} ms`);
}
