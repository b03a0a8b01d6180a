import { expect, test } from "vitest";
import { UsageError } from "../../src/host/device.ts";
import { runDeviceCommand } from "../../src/machine/device-command.ts";
import { DirectMachine } from "../support/direct-machine.ts";
import { echoModel } from "../support/models.ts";

function machineOf(...slots: number[]) {
  const machine = new DirectMachine();
  for (const slot of slots) {
    const commands = {
      add: {
        help: "A B: their sum",
        run: (args: readonly string[]) => args.reduce((sum, arg) => sum + Number(arg), 0),
      },
      name: {
        help: "the function's name",
        run: (_args: readonly string[], context: { name: string }) => context.name,
      },
    };
    machine.add({ slot, name: "echo", model: { ...echoModel(), commands } });
  }
  return (device: number | string, command: string, ...args: string[]) =>
    runDeviceCommand(machine.host.functions, { device, command, args });
}

test("a command runs with its arguments, and its answer comes back", async () => {
  const ask = machineOf(4);
  expect(await ask("echo", "add", "1", "2")).toBe(3);
});

test.each([[7], ["7"], ["00:07.0"], ["00:07.0 echo"]])("device %s is found", async (device) => {
  const ask = machineOf(4, 7);
  expect(await ask(device, "name")).toBe("00:07.0 echo");
});

test("what does not exist is a usage error that says what does", async () => {
  const ask = machineOf(4, 7);
  await expect(ask("blk", "add")).rejects.toThrow('no device "blk"; there are: 00:04.0 echo, 00:07.0 echo');
  await expect(ask("echo", "add")).rejects.toThrow("name one by its slot (4, 7)");
  await expect(ask(4, "ad")).rejects.toThrow('unknown command "ad" (did you mean add?); known are add, name');
  await expect(ask(4, "toString")).rejects.toThrow(UsageError);
});
