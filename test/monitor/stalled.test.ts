/** A machine that a planted defect has stalled, and what is to be seen of it from outside. */
import { describe, expect, it } from "vitest";
import { Machine } from "../../src/machine/machine.ts";
import { dumpText } from "../../src/observe/report/dump-text.ts";

const PROGRAM = new URL("entropy.guest.ts", import.meta.url);
const DEVICE = new URL("forgetful-rng.ts", import.meta.url).pathname;
const RUN_MS = 30_000;

describe("a device that overlooks a kick", () => {
  it(
    "leaves a ring that shows it",
    async () => {
      const machine = await Machine.start({
        devices: [{ type: DEVICE }],
        deadlines: { stallMs: 500 },
        watch: { monitor: true },
      });
      const report = await machine.run(PROGRAM, 200);
      expect(report).toMatchObject({ verdict: "stalled", host: { functions: [{ model: { kicks: 100 } }] } });
      const text = dumpText(machine.controlled.snapshot(), () => true);
      expect(text).toContain("1 in flight");
      expect(text).toMatch(
        /!! avail\.idx \d+ has passed avail_event \d+, the host sleeps .* a kick was lost/,
      );
      await machine.stop();
    },
    RUN_MS,
  );
});
