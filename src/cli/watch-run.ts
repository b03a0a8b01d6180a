/** What `--trace` and `--control` add to a run: neither harms the machine when its file or socket gives trouble. */
import { closeSync, openSync } from "node:fs";
import { UsageError } from "../host/device.ts";
import { ControlServer } from "../machine/control-server.ts";
import type { RunnableMachine, StartMachine } from "../machine/run.ts";
import { writeTrace } from "../observe/report/trace-file.ts";
import type { MachineOptions } from "./machine-options.ts";

export interface WatchedRun {
  readonly start: StartMachine;
  /** After the run, whatever came of it. False: something asked for could not be written; it was said why. */
  finish(): Promise<boolean>;
}

export function watchRun({ trace, control }: MachineOptions, start: StartMachine): WatchedRun {
  if (trace !== undefined) checkWritable("--trace", trace);
  let machine: RunnableMachine | undefined;
  let server: ControlServer | undefined;
  return {
    start: async (description) => {
      machine = await start(description);
      if (control !== undefined) server = await listen(control, machine);
      return machine;
    },
    finish: async () => {
      await server?.close();
      return trace === undefined || machine === undefined || saveTrace(trace, machine);
    },
  };
}

async function listen(path: string, machine: RunnableMachine): Promise<ControlServer> {
  try {
    if (machine.controlled === undefined) throw new UsageError("--control: this counterpart has none");
    return await ControlServer.start(path, machine.controlled);
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

/** Better before the run than after it. */
function checkWritable(option: string, file: string): void {
  try {
    closeSync(openSync(file, "w"));
  } catch (error) {
    throw new UsageError(`${option} ${file}: cannot be written: ${(error as Error).message}`);
  }
}

async function saveTrace(file: string, machine: RunnableMachine): Promise<boolean> {
  const recordings = machine.recordings?.() ?? null;
  if (recordings === null) {
    process.stderr.write(`virtlab: --trace ${file}: this counterpart keeps no events\n`);
    return false;
  }
  try {
    const { events, dropped, clockErrorUs } = await writeTrace(file, recordings);
    const lost = dropped.guest + dropped.host;
    process.stderr.write(
      `trace    ${file}: ${events.guest} events of the guest, ${events.host} of the host` +
        `${lost === 0 ? "" : `; the oldest ${dropped.guest} and ${dropped.host} were dropped (--trace-events keeps more)`}` +
        `${clockErrorUs === null ? "" : `; clocks within ${clockErrorUs} µs`}\n`,
    );
    return true;
  } catch (error) {
    process.stderr.write(`virtlab: --trace ${file}: ${(error as Error).message}\n`);
    return false;
  }
}
