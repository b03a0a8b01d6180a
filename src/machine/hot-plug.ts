/** Devices that come and go while the machine runs: the host's end of `Machine.plug` and `Machine.unplug`. */
import { UsageError } from "../host/device.ts";
import type { Host } from "../host/host.ts";
import type { PartFacts } from "../host/io-thread.ts";
import type { AddDeviceOptions } from "../host/virtio-function.ts";
import { formatBdf, MSIX } from "../wire/pci.ts";
import { checkDevice, type DeviceDescription, type DeviceSpec, type MachineSpec } from "./description.ts";
import { findTarget } from "./device-command.ts";
import { createModel } from "./device-model.ts";
import { checkOptions, findDevice } from "./devices.ts";
import { livePlatform } from "./platform.ts";
import type { UnplugRequest } from "./protocol.ts";
import { type During, unwatched } from "./under-way.ts";

/** Has every I/O thread make its part of a device; resolves with the part's number. */
export type MakeParts = (facts: Omit<PartFacts, "part">, type: string, share: unknown) => Promise<number>;

/** What devices are opened with, besides their descriptions. */
export interface Opening {
  readonly makeParts?: MakeParts | undefined;
  readonly during?: During;
}

/** Opens what a device needs, and says what the host is to add. */
export async function createDevice(
  device: DeviceSpec,
  spec: MachineSpec,
  { makeParts, during = unwatched }: Opening = {},
): Promise<AddDeviceOptions> {
  const name = `${placeOf(device)} ${device.type}`;
  const definition = await during(`loading ${name}`, () => findDevice(device.type));
  const options = checkOptions(definition, device.options);
  const model = await during(`opening ${name}`, () =>
    createModel(definition, device.type, options, livePlatform),
  );
  const added = {
    slot: device.slot,
    name: definition.name,
    virtioId: definition.virtioId,
    model,
    queueSize: device.queueSize,
    msixVectors: device.vectors ?? Math.min(MSIX.maxVectors, model.queues.length + 1),
    transportFeatures: spec.transportFeatures,
  };
  const { parts } = model;
  if (makeParts === undefined || definition.createPart === undefined || parts === undefined) return added;
  try {
    const part = await during(`making the parts of ${name}`, () =>
      makeParts(factsOf(added), device.type, parts.share),
    );
    return { ...added, part };
  } catch (error) {
    await model.close?.();
    throw error;
  }
}

const placeOf = ({ slot }: Pick<DeviceSpec, "slot">): string => formatBdf({ bus: 0, slot, function: 0 });

const factsOf = ({
  slot,
  name,
  msixVectors,
  queueSize,
  model,
}: AddDeviceOptions): Omit<PartFacts, "part"> => ({
  name: `${placeOf({ slot })} ${name}`,
  slot,
  msixVectors,
  queues: model.queues.map((queue) => ({ name: queue.name, size: queue.size ?? queueSize })),
});

/** Those that are there when the machine, or a host that replaces another, starts. */
export async function addDevices(
  host: Host,
  spec: MachineSpec,
  devices: readonly DeviceDescription[],
  opening: Opening,
): Promise<void> {
  for (const device of devices) {
    const checked = checkDevice("device", device, new Set(), spec.queueSize);
    host.addDevice(await createDevice(checked, spec, opening));
  }
}

/** Returns the slot that the device is in. */
export async function plugDevice(
  host: Host,
  spec: MachineSpec,
  wanted: DeviceDescription,
  opening: Opening,
): Promise<number> {
  if (!host.hasRoom) throw new UsageError("there is no room for another device: unplug one first");
  const taken = new Set(host.functions.map(({ slot }) => slot));
  const checked = checkDevice("device", wanted, taken, spec.queueSize);
  const device = await createDevice(checked, spec, opening);
  try {
    return host.plug(device).slot;
  } catch (error) {
    await host.closeDevice(device);
    throw error;
  }
}

/** Resolves, with its slot, when the device is out. */
export async function unplugDevice(host: Host, { device, surprise }: UnplugRequest): Promise<number> {
  const found = findTarget(host.functions, device);
  await (surprise ? host.unplug(found) : host.requestUnplug(found));
  return found.slot;
}
