/** Commands to devices of a running machine: finds the device, finds the command, runs it. */
import { UsageError } from "../host/device.ts";
import type { VirtioFunction } from "../host/virtio-function.ts";
import { nearestName } from "./nearest-name.ts";
import type { DeviceCommandRequest } from "./protocol.ts";

/** Runs the command and returns its answer. Rejects with `UsageError` for names that are not known. */
export async function runDeviceCommand(
  functions: readonly VirtioFunction[],
  { device, command, args }: DeviceCommandRequest,
): Promise<unknown> {
  const target = findFunction(functions, device);
  const commands = target.device.model.commands ?? {};
  const found = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (found !== undefined) return found.run(args, target.device);
  const names = Object.keys(commands);
  const known = names.length === 0 ? "it has none" : `known are ${names.join(", ")}`;
  throw new UsageError(
    `${target.name}: unknown command "${command}"${nearestName(command, names)}; ${known}`,
  );
}

/** By slot number, by "00:04.0", or by a device name that only one of them has. */
function findFunction(functions: readonly VirtioFunction[], device: number | string): VirtioFunction {
  const wanted = String(device);
  const matches = functions.filter(({ slot, name }) =>
    [String(slot), name, ...name.split(" ")].includes(wanted),
  );
  const [only] = matches;
  if (only !== undefined && matches.length === 1) return only;
  const there = functions.map(({ name }) => name).join(", ") || "none";
  if (only === undefined) throw new UsageError(`there is no device "${device}"; there are: ${there}`);
  const slots = matches.map(({ slot }) => slot).join(", ");
  throw new UsageError(`there are ${matches.length} devices "${device}": name one by its slot (${slots})`);
}
