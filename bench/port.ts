/** port: what an access to a device's register costs a guest while the host polls, against the bare ping-pong. */
import type { PortArgs } from "./guests/port.ts";
import { alternate, pairedRatio, summarise } from "./harness/alternate.ts";
import type { Bench, Result } from "./harness/bench.ts";
import { startMachine } from "./harness/machine.ts";
import { startPingPong } from "./harness/ping-pong.ts";

const PROGRAM = new URL("guests/port.ts", import.meta.url);
const CASES = [
  { name: "read, trapped", access: "read", kickFastPath: true },
  { name: "write, posted", access: "write", kickFastPath: true },
  { name: "kick, fast path", access: "kick", kickFastPath: true },
  { name: "kick, as a register write", access: "kick", kickFastPath: false },
] as const;

export const port: Bench = {
  name: "port",
  about: "register accesses of a guest while the host polls",
  async run(plan) {
    const results: Result[] = [];
    const floor = await startPingPong();
    const count = plan.scale(5_000, 500);
    for (const { name, access, kickFastPath } of CASES) {
      if (!plan.wants(name)) continue;
      plan.note(`port: ${name}`);
      const machine = await startMachine(PROGRAM, {
        devices: [{ type: "rng" }],
        kickFastPath,
        pollMaxUs: 1000,
      });
      const args: PortArgs = { access, count };
      const times = await alternate(plan, {
        access: () => machine.run<number>(args),
        raw: () => floor.round(count),
      });
      await machine.stop();
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
    await floor.stop();
    return results;
  },
};
