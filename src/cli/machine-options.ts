/** The options that every command with a machine has, and the description that they add up to. */
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { UsageError } from "../host/device.ts";
import {
  expected,
  INTERRUPT_MODES,
  type MachineDescription,
  type WatchSpec,
} from "../machine/description.ts";
import { onOff, parseDevice } from "./device-argument.ts";
import { wholeNumber } from "./numbers.ts";

export interface DescriptionOptions {
  monitor?: boolean;
  trace?: string;
  traceEvents?: string;
  registers?: string;
  interrupts?: MachineDescription["interrupts"];
  queueSize?: string;
  indirect?: string;
  eventIndex?: string;
  memory?: string;
  cpus?: string;
  ioThreads?: string;
  device: string[];
  config?: string;
}

export interface MachineOptions extends DescriptionOptions {
  disk?: string;
  write?: boolean;
  diskSize?: string;
  seed?: string;
  guest?: string;
  arg: string[];
  json?: boolean;
  registersSlot?: string;
  control?: string;
}

const collect = (value: string, list: string[]): string[] => [...list, value];

export function addMachineOptions(
  command: Command,
  help: { disk: string; write: string; device: string },
): Command {
  command
    .option("--disk <file>", help.disk)
    .option("--write", help.write)
    .option("--disk-size <size>", "without --disk: size of the memory disk (default 64M)");
  return addDescriptionOptions(command, help.device)
    .option("--seed <n>", "seed of the memory disk's contents (default: a new one, printed)")
    .option("--guest <module>", "run this guest program instead of the acceptance workload")
    .option("--arg <value>", "an argument for --guest (may be repeated)", collect, [])
    .option("--monitor", "check the specification's statements while the machine runs")
    .option("--trace <file>", "write a timeline of both threads: for Perfetto, and for virtlab analyse")
    .option("--trace-events <n>", "newest events kept of each thread (default 262144)")
    .option("--registers <file>", "write one device's register traffic, for virtlab replay-registers")
    .option("--registers-slot <n>", "of the device in this slot (default: the first)")
    .option("--control <socket>", "let virtlab top and virtlab dump look at the running machine here")
    .option("--json", "print one JSON document");
}

/** What a machine is made of, for commands that have a use of their own for it. */
export function addDescriptionOptions(command: Command, deviceHelp: string): Command {
  return command
    .addOption(
      new Option("--interrupts <mode>", "which tier the driver asks for").choices([...INTERRUPT_MODES]),
    )
    .option("--queue-size <n>", "entries of each queue, a power of two (default 256)")
    .option("--indirect <on|off>", "offer indirect descriptors (default on)")
    .option("--event-index <on|off>", "offer event index (default on)")
    .option("--memory <size>", "guest RAM (default 64M)")
    .option("--cpus <n>", "virtual CPUs, a thread each, that share the queues of devices (default 1)")
    .option("--io-threads <n>", "extra host threads, to which device queues are handed (default 0)")
    .option("--device <name[,key=value…]>", deviceHelp, collect, [])
    .option("--config <file>", "a machine description in JSON; these options come on top of it");
}

export function describeMachine(options: DescriptionOptions): MachineDescription {
  const base = options.config === undefined ? {} : readConfig(options.config);
  return {
    ...base,
    ...(options.memory !== undefined && { memory: options.memory }),
    ...(options.cpus !== undefined && { cpus: wholeNumber("--cpus", options.cpus) }),
    ...(options.ioThreads !== undefined && { ioThreads: wholeNumber("--io-threads", options.ioThreads) }),
    ...(options.interrupts !== undefined && { interrupts: options.interrupts }),
    ...(options.queueSize !== undefined && { queueSize: wholeNumber("--queue-size", options.queueSize) }),
    ...(options.indirect !== undefined && { indirect: onOff("--indirect", options.indirect) }),
    ...(options.eventIndex !== undefined && { eventIndex: onOff("--event-index", options.eventIndex) }),
    watch: describeWatch(options, base),
    devices: [...(base.devices ?? []), ...options.device.map(parseDevice)],
  };
}

const TRACE_EVENTS = 1 << 18;

function describeWatch(options: DescriptionOptions, base: MachineDescription): Partial<WatchSpec> {
  const { trace, traceEvents, registers } = options;
  if (traceEvents !== undefined && trace === undefined && registers === undefined) {
    throw new UsageError("--trace-events goes with --trace or --registers");
  }
  const events = traceEvents === undefined ? TRACE_EVENTS : wholeNumber("--trace-events", traceEvents);
  if (events === 0) throw new UsageError("--trace-events must be at least 1");
  return {
    ...base.watch,
    ...(options.monitor && { monitor: true }),
    ...((trace !== undefined || registers !== undefined) && { traceEvents: events }),
  };
}

function readConfig(file: string): MachineDescription {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`--config ${file}: cannot be read: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--config ${file}: expected JSON: ${(error as Error).message}`);
  }
  // What `describeMachine` takes apart; the rest is checked where every description is.
  const { devices = [], watch = {} } = isObject(`--config ${file}`, value) as MachineDescription;
  if (!Array.isArray(devices)) throw expected(`--config ${file}: devices`, "a list", devices);
  isObject(`--config ${file}: watch`, watch);
  return value as MachineDescription;
}

function isObject(name: string, value: unknown): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw expected(name, "an object", value);
}
