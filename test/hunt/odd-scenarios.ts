/** Scenarios that go wrong in ways that are not races: given by --file. */
import { defineScenario, type Scenario, site, type ThreadContext } from "../../src/hunt/index.ts";

const BUFFER = site("driver: buffer");

/** Two threads that each do something with RAM; the first begins. */
const odd = (name: string, body: (context: ThreadContext) => void): Scenario =>
  defineScenario({
    name,
    summary: name,
    stepsMax: 200,
    threads: {
      first: (context) => ({
        run() {
          context.begin();
          body(context);
        },
      }),
      second: (context) => ({
        run: () => context.ram.memory.write32(4, 1, BUFFER),
      }),
    },
  });

export const endless = odd("endless", ({ ram }) => {
  for (let turn = 0; ; turn++) ram.memory.write32(0, turn, BUFFER);
});

export const throwing = odd("throwing", ({ ram }) => {
  if (ram.memory.read32(4, BUFFER) === 0) throw new RangeError("my own callback fell over");
});

export const racing = odd("racing", ({ ram }) => ram.memory.write32(4, 2, BUFFER));

let executions = 0;
/** What it writes depends on how often it ran. */
export const forgetful = odd("forgetful", ({ ram }) => {
  ram.memory.write32(0, 7, BUFFER);
  ram.memory.write32(0, executions++, BUFFER);
});

export const dying = odd("dying", ({ ram }) => {
  ram.memory.write32(0, 1, BUFFER);
  process.exit(5);
});

let failed = 0;
/** Fails, and is followed once more than that: the first time to see whether it repeats itself, the second to be found. */
export const dyingWhenFollowed = odd("dying-when-followed", (context) => {
  context.ram.memory.write32(0, 1, BUFFER);
  if (failed++ === 2) process.exit(5);
  context.fail("check", "it never holds");
});

export const empty = defineScenario({ name: "empty", summary: "empty", threads: {} });

export const idle = defineScenario({
  name: "idle",
  summary: "idle",
  threads: { only: (context) => ({ run: () => context.begin() }) },
});
