/** Random programs over a driver's and a device's queue, against the model. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { allocateShared, attachMemory } from "../../src/memory/attach.ts";
import { MODEL_SPARE_BYTES, ModelledQueue } from "./model.ts";
import { FEATURE_COMBINATIONS, ramBytes } from "./queue-pair.ts";

const PROGRAMS = 5000;
const SIZES = [1, 2, 4, 8] as const;
const MAX_SIZE = 8;
const COMMANDS_MAX = 120;
/** Enough for every index to wrap twice. */
const LONG_RUN_BUFFERS = 140_000;

/** Dice from a list of numbers; when it ends, zeros. */
function diceFrom(numbers: readonly number[]) {
  let next = 0;
  return (sides: number) => (numbers[next++] ?? 0) % sides;
}

/** Dice from a seed, without end. */
function diceFromSeed(seed: number) {
  let state = seed >>> 0;
  return (sides: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % sides;
  };
}

describe.each(FEATURE_COMBINATIONS)("indirect $indirect, event index $eventIndex", (features) => {
  it(`behaves as the model in ${PROGRAMS} random programs`, () => {
    const memory = attachMemory(allocateShared(ramBytes(MAX_SIZE, MODEL_SPARE_BYTES)));
    const program = fc.record({
      size: fc.constantFrom(...SIZES),
      commands: fc.integer({ min: 1, max: COMMANDS_MAX }),
      numbers: fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 8 * COMMANDS_MAX, size: "max" }),
    });
    fc.assert(
      fc.property(program, ({ size, commands, numbers }) => {
        memory.fill(0, memory.byteLength, 0, 0);
        const queue = new ModelledQueue(size, features, diceFrom(numbers), memory);
        for (let step = 0; step < commands; step++) queue.step();
        queue.resetAndDetach();
      }),
      { numRuns: PROGRAMS },
    );
  });

  it.each(SIZES)("behaves as the model while indices wrap again and again, size %i", (size) => {
    const queue = new ModelledQueue(size, features, diceFromSeed(size));
    while (queue.returned < LONG_RUN_BUFFERS) {
      for (let step = 0; step < 1000; step++) queue.step();
      queue.drain();
    }
    queue.resetAndDetach();
  });
});
