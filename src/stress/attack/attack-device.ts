/**
 * Attacks a device with a hostile driver, in one thread, and proves after every round of inputs that the device is
 * still usable: a reset, a well-behaved guest, a request.
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
import { ATTACK_SLOT, BenchMachine } from "./bench-machine.ts";
import { exercise } from "./exercise.ts";
import { HostileDriver } from "./hostile-driver.ts";
import { seededPlatform } from "./seeded-platform.ts";

const RAM_BYTES = 1 << 20;
/** Inputs between turns of the host, and of a round. */
const INPUTS_PER_TURN = 8;
const INPUTS_PER_ROUND = 20_000;
/** A host turn that takes longer has lost itself in what it was given. */
const TURN_MS_MAX = 2000;

export async function attackDevice(attack: AttackOptions): Promise<AttackReport> {
  const { definition, seed, only } = attack;
  const target = await Target.create(attack);
  const begun = performance.now();
  let done = 0;
  let proofs = 0;
  let finding: AttackFinding | null = null;
  for (const round of roundSeeds(attack)) {
    if (attack.signal?.aborted) break;
    const count = Math.min(INPUTS_PER_ROUND, attack.inputs - done);
    if (count <= 0) break;
    const inputs = only !== undefined && only.inputs.length > 0 ? only.inputs : allOf(count);
    const failure = await target.round(round, inputs);
    if (failure !== undefined) {
      const { at, error } = failure;
      const tried = inputs.slice(0, at + 1);
      const replay = async (some: readonly number[]) => {
        const fresh = await Target.create(attack);
        const again = await fresh.round(round, some);
        await fresh.close();
        return again?.error.message;
      };
      const shrunk = await shrinkFinding(error.message, tried, replay, attack.signal);
      finding = { input: done + at, round, shrunk, what: error.message, stack: error.stack ?? error.message };
      done += at;
      attack.keep?.(round, error.message);
      break;
    }
    done += inputs.length;
    proofs++;
    const grown = (await attack.coverage?.grown()) ?? 0;
    if (grown > 0) attack.keep?.(round, `${grown} new blocks`);
    attack.progress?.(done);
  }
  await target.close();
  const { counts, violations } = target;
  return {
    device: definition.name,
    seed,
    inputs: done,
    seconds: (performance.now() - begun) / 1000,
    byKind: Object.fromEntries(counts),
    violations: Object.fromEntries(violations),
    proofs,
    finding,
  };
}

const allOf = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** A machine with the device, and who attacks it. */
class Target {
  readonly #machine: BenchMachine;
  readonly #driver: HostileDriver;

  static async create({ definition, options, seed }: AttackOptions): Promise<Target> {
    const machine = new BenchMachine({ ramBytes: RAM_BYTES, platform: seededPlatform(seed) });
    const model = await createModel(definition, definition.name, options, seededPlatform(seed));
    machine.addDevice(definition.name, definition.virtioId, model, 16);
    return new Target(
      machine,
      new HostileDriver({ ...machine, slot: ATTACK_SLOT, queues: model.queues.length }),
    );
  }

  constructor(machine: BenchMachine, driver: HostileDriver) {
    this.#machine = machine;
    this.#driver = driver;
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#driver.counts;
  }
  get violations(): ReadonlyMap<string, number> {
    return this.#machine.violations;
  }

  /** What went wrong and at which of the inputs, or undefined. */
  async round(seed: number, inputs: readonly number[]): Promise<{ at: number; error: Error } | undefined> {
    let at = 0;
    try {
      this.#driver.place();
      for (; at < inputs.length; at++) {
        const input = inputs[at] ?? 0;
        this.#driver.act(new Random(partSeed(seed, input)));
        if (input % INPUTS_PER_TURN === 0) this.#turn();
        if (at % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      this.#driver.forget();
      await exercise(this.#machine);
      return undefined;
    } catch (error) {
      return { at: Math.min(at, inputs.length - 1), error: error as Error };
    }
  }

  close(): Promise<void> {
    return this.#machine.host.close().catch(() => undefined);
  }

  #turn(): void {
    const begun = performance.now();
    this.#machine.host.poll();
    const took = performance.now() - begun;
    if (took > TURN_MS_MAX) throw new Error(`one turn of the host took ${Math.round(took)} ms`);
  }
}
