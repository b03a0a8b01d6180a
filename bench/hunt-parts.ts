/** The parts of an execution that one thread can be measured with: the gate at an access, and a machine made anew. */
import { actorsOf, controlPlanOf } from "../src/hunt/actors.ts";
import { Dirt } from "../src/hunt/dirt.ts";
import { Gate, RAM } from "../src/hunt/gate.ts";
import { policyIndex } from "../src/hunt/policies/index.ts";
import { SCENARIO_DEFAULTS, type Scenario, type ThreadContext } from "../src/hunt/scenario.ts";
import { AREA, PHASE, STATE_WORDS, WORD } from "../src/hunt/state.ts";
import { allocateShared } from "../src/memory/attach.ts";
import { Ram } from "../src/memory/ram.ts";
import { ScheduledMemory } from "../src/memory/scheduled-memory.ts";
import { Turnstile } from "../src/memory/turnstile.ts";

/** Thread 0 of a scenario, alone, with the others' actors ready to move and never chosen. */
export class Parts {
  readonly #scenario: Scenario;
  readonly #words: Int32Array;
  readonly #gate: Gate;
  readonly #dirt: Dirt;
  readonly #ram: ScheduledMemory;
  readonly #context: ThreadContext;

  constructor(scenario: Scenario, policy: string) {
    const turnstile = new Turnstile(Turnstile.allocate(STATE_WORDS));
    const plan = controlPlanOf(scenario);
    this.#scenario = scenario;
    this.#words = turnstile.words;
    this.#gate = new Gate(turnstile, 0, actorsOf(scenario), []);
    this.#ram = new ScheduledMemory(
      allocateShared(scenario.ramBytes ?? SCENARIO_DEFAULTS.ramBytes),
      RAM,
      this.#gate,
    );
    const control = new ScheduledMemory(allocateShared(plan.bytes), 0, this.#gate);
    this.#dirt = new Dirt(this.#words, [control, this.#ram]);
    this.#gate.dirt = this.#dirt;
    this.#words[WORD.policy] = policyIndex(policy);
    this.#words[WORD.enabled] = 0b11;
    this.#words[WORD.stepsMax] = 0x7fff_ffff;
    this.#words[WORD.journal] = -1;
    this.#words[AREA.priorities] = 1;
    this.#gate.reset();
    this.#context = {
      ram: new Ram(this.#ram),
      control,
      quietRam: this.#ram,
      plan,
      begin() {},
      draw: () => 0,
      takeEvent: () => false,
      fail(oracle, text) {
        throw new Error(`${oracle}: ${text}`);
      },
      watch() {},
      watchRam() {},
    };
  }

  /** Milliseconds for `count` accesses at the gate: the policy is asked at each, and nobody else moves. */
  accesses(count: number): number {
    const words = this.#words;
    words[WORD.phase] = PHASE.explore;
    const begun = performance.now();
    for (let each = 0; each < count; each += 2) {
      // One who moves alone for long is dropped below the others.
      words[WORD.alone] = 0;
      words[WORD.decisions] = 0;
      this.#ram.write32(4 * (each & 0xff), each, 1);
      this.#ram.read32(4 * (each & 0xff), 2);
    }
    const ms = performance.now() - begun;
    words[WORD.phase] = PHASE.outside;
    return ms;
  }

  /** Milliseconds for `count` machines made, both sides, and their memory cleared. */
  machines(count: number): number {
    const builders = Object.values(this.#scenario.threads);
    const begun = performance.now();
    for (let each = 0; each < count; each++) {
      for (const build of builders) build(this.#context);
      this.#dirt.clear();
    }
    return performance.now() - begun;
  }
}
