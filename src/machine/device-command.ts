/** Commands to devices of a running machine: finds the device, finds the command, runs it. */
import { UsageError } from "../host/device.ts";
import type { VirtioFunction } from "../host/virtio-function.ts";
import { nearestName } from "./nearest-name.ts";
import type { DeviceCommandRequest } from "./protocol.ts";

/** A device as commands find it. */
export interface CommandTarget {
  readonly slot: number;
  /** "00:04.0 blk" */
  readonly name: string;
  readonly commands: Readonly<Record<string, (args: readonly string[]) => unknown>>;
}

/** On our own devices. */
export function runDeviceCommand(
  functions: readonly VirtioFunction[],
  request: DeviceCommandRequest,
): Promise<unknown> {
  const targets = functions.map(({ slot, name, device }) => {
    const commands = Object.entries(device.model.commands ?? {}).map(([command, { run }]) => [
      command,
      (args: readonly string[]) => run(args, device),
    ]);
    return { slot, name, commands: Object.fromEntries(commands) as CommandTarget["commands"] };
  });
  return runCommand(targets, request);
}

/** Runs the command and returns its answer. Rejects with `UsageError` for names that are not known. */
export async function runCommand(
  targets: readonly CommandTarget[],
  { device, command, args }: DeviceCommandRequest,
): Promise<unknown> {
  const { name, commands } = findTarget(targets, device);
  const found = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (found !== undefined) return found(args);
  const names = Object.keys(commands);
  const known = names.length === 0 ? "it has none" : `known are ${names.join(", ")}`;
  throw new UsageError(`${name}: unknown command "${command}"${nearestName(command, names)}; ${known}`);
}

/** By slot number, by "00:04.0", or by a device name that only one of them has. */
export function findTarget<Target extends Pick<CommandTarget, "slot" | "name">>(
  targets: readonly Target[],
  device: number | string,
): Target {
  const wanted = String(device);
  const matches = targets.filter(({ slot, name }) =>
    [String(slot), name, ...name.split(" ")].includes(wanted),
  );
  const [only] = matches;
  if (only !== undefined && matches.length === 1) return only;
  const there = targets.map(({ name }) => name).join(", ") || "none";
  if (only === undefined) throw new UsageError(`there is no device "${device}"; there are: ${there}`);
  const slots = matches.map(({ slot }) => slot).join(", ");
  throw new UsageError(`there are ${matches.length} devices "${device}": name one by its slot (${slots})`);
}
