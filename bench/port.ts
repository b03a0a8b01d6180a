/** port: what an access to a device's register costs a guest while the host polls, against the bare ping-pong. */
import type { PortArgs } from "./guests/port.ts";
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Result } from "./harness/bench.ts";
import { type MachineRun, startMachine } from "./harness/machine.ts";
import { startPingPong } from "./harness/ping-pong.ts";

const PROGRAM = new URL("guests/port.ts", import.meta.url);
/** As many rounds before the one that is timed as give the two threads a core each. */
const WARM_UPS = 4;
const CASES = [
  { name: "read, trapped", access: "read", kick: "fast" },
  { name: "write, posted", access: "write", kick: "fast" },
  { name: "kick, fast path", access: "kick", kick: "fast" },
  { name: "kick, as a register write", access: "kick", kick: "slow" },
] as const;

export const port: Bench = {
  name: "port",
  about: "register accesses of a guest while the host polls",
  async run(plan) {
    const results: Result[] = [];
    const floor = await startPingPong();
    const machines = { fast: await start(true), slow: await start(false) };
    const count = plan.scale(50_000, 500);
    const warmUps = plan.scale(WARM_UPS, 0);
    for (const { name, access, kick } of CASES) {
      if (!plan.wants(name)) continue;
      plan.note(`port: ${name}`);
      const machine = machines[kick];
      const args: PortArgs = { access, count, warmUps };
      const times = await alternate(plan, {
        access: () => machine.run<number>(args),
        raw: () => floor.round(count, warmUps),
      });
      results.push(
        summarise({
          bench: "port",
          case: name,
          unit: "ns",
          values: times.access.map((ms) => (ms * 1e6) / count),
          ratios: { vsRawPingPong: pairedRatio(times.access, times.raw) },
        }),
      );
    }
    await Promise.all([floor.stop(), machines.fast.stop(), machines.slow.stop()]);
    return results;
  },
};

/** Polling for longer than any of the rounds takes to begin. */
const start = (kickFastPath: boolean): Promise<MachineRun> =>
  startMachine(PROGRAM, { devices: [{ type: "rng" }], kickFastPath, pollMaxUs: 1000 });
