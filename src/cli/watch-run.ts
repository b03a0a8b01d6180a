/** What `--trace` and `--control` add to a run: neither harms the machine when its file or socket gives trouble. */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { UsageError } from "../host/device.ts";
import { type Controlled, ControlServer } from "../machine/control-server.ts";
import type { RunnableMachine, StartMachine } from "../machine/run.ts";
import { accessesOf, formatRegisters, type RegisterFile } from "../observe/report/register-file.ts";
import { writeTrace } from "../observe/report/trace-file.ts";
import { FEATURE, hasFeature } from "../wire/features.ts";
import { EXIT } from "./exit-codes.ts";
import type { MachineOptions } from "./machine-options.ts";
import { wholeNumber } from "./numbers.ts";

export interface WatchedRun {
  readonly start: StartMachine;
  /** After the run, whatever came of it. False: something asked for could not be written; it was said why. */
  finish(): Promise<boolean>;
}

export function watchRun(options: MachineOptions, start: StartMachine): WatchedRun {
  const { trace, control, registers, registersSlot } = options;
  const slot = registersSlot === undefined ? undefined : wholeNumber("--registers-slot", registersSlot);
  if (slot !== undefined && registers === undefined)
    throw new UsageError("--registers-slot goes with --registers");
  if (registers !== undefined) checkWritable("--registers", registers);
  if (trace !== undefined) checkWritable("--trace", trace);
  let machine: RunnableMachine | undefined;
  let server: ControlServer | undefined;
  const save = async (): Promise<boolean> => {
    await server?.close();
    if (machine === undefined) return true;
    const kept = registers === undefined || saveRegisters(registers, slot, machine);
    return (trace === undefined || (await saveTrace(trace, machine))) && kept;
  };
  const wanted = trace !== undefined || registers !== undefined || control !== undefined;
  const unhear = wanted ? hearSignals((code) => void save().finally(() => process.exit(code))) : () => {};
  return {
    start: async (description) => {
      // Before the machine starts: a path that is taken must not cost a boot.
      if (control !== undefined)
        server = await ControlServer.start(
          control,
          controlledOf(() => machine),
        );
      try {
        machine = await start(description);
      } catch (error) {
        unhear();
        await server?.close();
        throw error;
      }
      if (server !== undefined && machine.controlled === undefined) await refuseControl(server, machine);
      return machine;
    },
    finish: async () => {
      unhear();
      return await save();
    },
  };
}

/** Whoever is interrupted wants to know what happened until then: once, and then the signals are main's again. */
function hearSignals(ending: (code: number) => void): () => void {
  const heard = [
    ["SIGINT", () => ending(EXIT.interrupted)],
    ["SIGTERM", () => ending(EXIT.terminated)],
  ] as const;
  for (const [signal, listener] of heard) process.once(signal, listener);
  return () => {
    for (const [signal, listener] of heard) process.off(signal, listener);
  };
}

/** What the socket's clients ask of a machine that is perhaps still starting. */
function controlledOf(machine: () => RunnableMachine | undefined): Controlled {
  const started = (): Controlled => {
    const controlled = machine()?.controlled;
    if (controlled === undefined) throw new Error("the machine is still starting: ask again");
    return controlled;
  };
  return { snapshot: () => started().snapshot(), counters: async () => started().counters() };
}

async function refuseControl(server: ControlServer, machine: RunnableMachine): Promise<never> {
  await server.close();
  await machine.stop();
  throw new UsageError("--control: this counterpart has none");
}

/** Better before the run than after it. */
function checkWritable(option: string, file: string): void {
  try {
    closeSync(openSync(file, "w"));
  } catch (error) {
    throw new UsageError(`${option} ${file}: cannot be written: ${(error as Error).message}`);
  }
}

function saveRegisters(file: string, slot: number | undefined, machine: RunnableMachine): boolean {
  try {
    writeFileSync(file, formatRegisters(registersOf(machine, slot)));
    return true;
  } catch (error) {
    process.stderr.write(`virtlab: --registers ${file}: ${(error as Error).message}\n`);
    return false;
  }
}

function registersOf(machine: RunnableMachine, wanted: number | undefined): RegisterFile {
  const { spec } = machine;
  const device = spec.devices.find(({ slot }) => wanted === undefined || slot === wanted);
  const guest = machine.recordings?.()?.guest;
  if (device === undefined) throw new Error(`there is no device in slot ${wanted}`);
  if (guest === undefined) throw new Error("this counterpart keeps no events");
  if (guest.dropped > 0)
    throw new Error(`${guest.dropped} events were dropped: --trace-events must be larger`);
  const { type, slot, vectors, queueSize, options } = device;
  const place = { "queue-size": queueSize, ...(vectors !== undefined && { vectors }) };
  const words = Object.entries({ ...options, ...place }).map(([key, value]) => `${key}=${value}`);
  return {
    device: [type, ...words].join(","),
    slot,
    indirect: hasFeature(spec.transportFeatures, FEATURE.INDIRECT_DESC),
    eventIndex: hasFeature(spec.transportFeatures, FEATURE.EVENT_IDX),
    accesses: accessesOf(guest.events, slot),
  };
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
