/** Benches of whole machines: a guest program measures, this side alternates. */

import type { MachineDescription } from "../../src/machine/description.ts";
import { Machine } from "../../src/machine/machine.ts";

export interface MachineRun {
  /** Runs the guest program once more; its result. */
  run<Result>(args: unknown): Promise<Result>;
  stop(): Promise<void>;
}

export async function startMachine(program: URL, description: MachineDescription): Promise<MachineRun> {
  const machine = await Machine.start(description);
  return {
    async run<Result>(args: unknown): Promise<Result> {
      const report = await machine.run(program, args);
      if (report.verdict !== "completed") throw new Error(`${report.verdict}: ${report.reason}`);
      return report.result as Result;
    },
    stop: () => machine.stop(),
  };
}
