/** Run-time changes of QEMU's devices, under the names that virtlab's own devices give them. */
import { UsageError } from "../../host/device.ts";
import { type DeviceSpec, parseSize } from "../../machine/description.ts";
import type { CommandTarget } from "../../machine/device-command.ts";
import { formatBdf } from "../../wire/pci.ts";
import { deviceId } from "./devices.ts";
import type { Qmp } from "./qmp.ts";

type Command = (qmp: Qmp, id: string, argument: string, ramBytes: number) => Promise<unknown>;

const COMMANDS: Readonly<Record<string, Readonly<Record<string, Command>>>> = {
  blk: {
    resize: (qmp, id, size) =>
      qmp.command("block_resize", { device: `${id}-drive`, size: parseSize("resize", size) }),
  },
  net: {
    link: (qmp, id, state) => {
      if (state !== "up" && state !== "down")
        throw new UsageError(`link: expected up or down, got "${state}"`);
      return qmp.command("set_link", { name: id, up: state === "up" });
    },
  },
  // QEMU counts what the guest keeps, virtlab what the balloon takes.
  balloon: {
    target: (qmp, _id, size, ramBytes) =>
      qmp.command("balloon", { value: ramBytes - parseSize("target", size) }),
  },
};

export function commandTargets(
  devices: readonly DeviceSpec[],
  ramBytes: number,
  connect: () => Promise<Qmp>,
): CommandTarget[] {
  return devices.map(({ type, slot }, index) => {
    const commands = Object.entries(COMMANDS[type] ?? {}).map(([name, command]) => [
      name,
      async ([argument = ""]: readonly string[]) =>
        command(await connect(), deviceId(index), argument, ramBytes),
    ]);
    return {
      slot,
      name: `${formatBdf({ bus: 0, slot, function: 0 })} ${type}`,
      commands: Object.fromEntries(commands) as CommandTarget["commands"],
    };
  });
}
