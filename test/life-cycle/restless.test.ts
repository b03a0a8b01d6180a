/** Devices of live machines, disturbed at random moments while requests are in flight. `VIRTLAB_ROUNDS` says how often; 60 under CI. */
import { expect, test } from "vitest";
import { Machine } from "../../src/machine/machine.ts";
import { ADAPTERS } from "./adapters/index.ts";
import { present } from "./rig.ts";

const PROGRAM = new URL("./restless.guest.ts", import.meta.url);
const ROUNDS = Number(process.env.VIRTLAB_ROUNDS ?? (process.env.CI ? 60 : 12));
const ROUND_MS_MAX = 500;
const SLOT = 4;

const CASES = Object.keys(ADAPTERS).flatMap((name) => [[name, "msix"] as const, [name, "intx"] as const]);

test.each(CASES)(
  `%s on %s: ${ROUNDS} rounds, every request ends once and the data stay right`,
  async (name, interrupts) => {
    const adapter = present(ADAPTERS[name]);
    const prepared = adapter.prepare?.();
    const device = { ...adapter.device, ...(prepared && { options: prepared.options }), slot: SLOT };
    const seed = Math.floor(Math.random() * 2 ** 31);
    const machine = await Machine.start({ interrupts, devices: [device] });
    try {
      const report = await machine.run(PROGRAM, { adapter: name, rounds: ROUNDS, seed });
      expect(report, `seed ${seed}: ${report.reason}`).toMatchObject({
        verdict: "completed",
        violations: [],
      });
      process.stdout.write(`${name} ${interrupts}: ${JSON.stringify(report.result)}\n`);
    } finally {
      await machine.stop();
      prepared?.cleanUp();
    }
  },
  10_000 + ROUNDS * ROUND_MS_MAX,
);
