/** The monitor on a machine whose devices are QEMU's: our drivers break nothing there either. */
import { describe, expect, it } from "vitest";
import { QemuMachine } from "../../src/foreign/qemu/qemu-machine.ts";
import { brokenStatements } from "../../src/monitor/monitor.ts";
import { qemuHere } from "../foreign/qemu-rig.ts";

const found = qemuHere();
const title = typeof found === "string" ? `on QEMU's devices (skipped: ${found})` : "on QEMU's devices";
const PROGRAM = new URL("entropy.guest.ts", import.meta.url);
const RUN_MS = 30_000;

describe.skipIf(typeof found === "string")(`the monitor ${title}`, () => {
  it(
    "sees our driver's side, and finds no MUST broken",
    async () => {
      const machine = await QemuMachine.start({ devices: [{ type: "rng" }], watch: { monitor: true } });
      const report = await machine.run(PROGRAM, 20);
      await machine.stop();
      expect(report).toMatchObject({ verdict: "completed", result: 320, host: null });
      expect(report.monitor?.checked).toBeGreaterThan(200);
      const { must, other } = brokenStatements(report.monitor);
      expect(must).toEqual([]);
      // What QEMU itself does against a SHOULD depends on its version.
      expect(other.filter(({ id }) => id.includes("-DRV-"))).toEqual([]);
    },
    RUN_MS,
  );
});
