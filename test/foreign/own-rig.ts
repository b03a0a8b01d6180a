/** Our driver on our device: the pairing that the others are compared with. */
import { checkDescription } from "../../src/machine/description.ts";
import { runDeviceCommand } from "../../src/machine/device-command.ts";
import { checkOptions, findDevice } from "../../src/machine/devices.ts";
import { livePlatform } from "../../src/machine/platform.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import type { RecordingBus } from "../support/recording-bus.ts";
import { type Rig, type RigOptions, waits } from "./rig.ts";

const RAM_BYTES = 16 << 20;

export interface OwnRig extends Rig {
  readonly bus: RecordingBus;
}

export async function createOwnRig({ devices, tier, indirect, eventIndex }: RigOptions): Promise<OwnRig> {
  const machine = new DirectMachine({ ramBytes: RAM_BYTES, interruptTiers: tier, platform: livePlatform });
  const spec = checkDescription({ devices, indirect, eventIndex });
  for (const device of spec.devices) {
    const definition = await findDevice(device.type);
    const model = await definition.create(checkOptions(definition, device.options), livePlatform);
    machine.add({
      slot: device.slot,
      name: definition.name,
      virtioId: definition.virtioId,
      model,
      queueSize: device.queueSize,
      msixVectors: device.vectors ?? model.queues.length + 1,
      transportFeatures: spec.transportFeatures,
    });
  }
  return {
    ...waits(() => {
      machine.host.poll();
      machine.guest.poll();
    }),
    guest: machine.guest,
    bus: machine.bus,
    log: machine.log,
    deviceCommand: (device, command, ...args) =>
      runDeviceCommand(machine.host.functions, { device, command, args }),
    close: () => machine.host.close(),
  };
}
