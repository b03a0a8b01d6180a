/** Devices that come and go while the machine runs: the host's end of `Machine.plug` and `Machine.unplug`. */
import { type DeviceModel, UsageError } from "../host/device.ts";
import type { Host } from "../host/host.ts";
import type { AddDeviceOptions } from "../host/virtio-function.ts";
import { MSIX } from "../wire/pci.ts";
import { checkDevice, type DeviceDescription, type DeviceSpec, type MachineSpec } from "./description.ts";
import { findTarget } from "./device-command.ts";
import { checkOptions, findDevice } from "./devices.ts";
import { livePlatform } from "./platform.ts";
import type { UnplugRequest } from "./protocol.ts";

/** Opens what a device needs, and says what the host is to add. */
export async function createDevice(device: DeviceSpec, spec: MachineSpec): Promise<AddDeviceOptions> {
  const definition = await findDevice(device.type);
  const model: Partial<DeviceModel> | null = await definition.create(
    checkOptions(definition, device.options),
    livePlatform,
  );
  if (!isModel(model)) {
    throw new UsageError(
      `device ${definition.name}: expected create() to return a model with queues and queueNotified, got ${describe(model)}`,
    );
  }
  return {
    slot: device.slot,
    name: definition.name,
    virtioId: definition.virtioId,
    model,
    queueSize: device.queueSize,
    msixVectors: device.vectors ?? Math.min(MSIX.maxVectors, model.queues.length + 1),
    transportFeatures: spec.transportFeatures,
  };
}

/** A user's module may return anything. */
const isModel = (model: Partial<DeviceModel> | null | undefined): model is DeviceModel =>
  typeof model === "object" &&
  model !== null &&
  Array.isArray(model.queues) &&
  typeof model.queueNotified === "function";

const describe = (value: unknown): string =>
  typeof value === "object" && value !== null ? "an object without them" : String(value);

/** Those that are there when the machine, or a host that replaces another, starts. */
export async function addDevices(
  host: Host,
  spec: MachineSpec,
  devices: readonly DeviceDescription[],
): Promise<void> {
  for (const device of devices) {
    const checked = checkDevice("device", device, new Set(), spec.queueSize);
    host.addDevice(await createDevice(checked, spec));
  }
}

/** Returns the slot that the device is in. */
export async function plugDevice(host: Host, spec: MachineSpec, wanted: DeviceDescription): Promise<number> {
  if (!host.hasRoom) throw new UsageError("there is no room for another device: unplug one first");
  const taken = new Set(host.functions.map(({ slot }) => slot));
  const device = await createDevice(checkDevice("device", wanted, taken, spec.queueSize), spec);
  try {
    return host.plug(device).slot;
  } catch (error) {
    await device.model.close?.();
    throw error;
  }
}

/** Resolves, with its slot, when the device is out. */
export async function unplugDevice(host: Host, { device, surprise }: UnplugRequest): Promise<number> {
  const found = findTarget(host.functions, device);
  await (surprise ? host.unplug(found) : host.requestUnplug(found));
  return found.slot;
}
