/** The guest's console on the user's terminal: raw both ways, until the guest's shell ends or Ctrl-] is typed. */
import type { LinuxMachine } from "../foreign/linux/linux-machine.ts";

/** Ctrl-], as telnet has it. */
const LEAVE = 0x1d;
/** End of file, to a shell. */
const CTRL_D = "\x04";

export async function attachConsole(machine: LinuxMachine): Promise<void> {
  const { stdin, stdout } = process;
  await fitTerminal(machine);
  machine.console.onBytes = (bytes) => void stdout.write(bytes);
  let leave: () => void = () => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  machine.agent.onEnded = leave;
  const typed = (bytes: Buffer) => {
    if (stdin.isTTY && bytes.includes(LEAVE)) leave();
    else machine.console.send(bytes);
  };
  const resized = () => void fitTerminal(machine).catch(() => undefined);
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", typed);
  stdin.once("end", () => machine.console.send(CTRL_D));
  stdout.on("resize", resized);
  // For a prompt: a shell out of a snapshot has given its own long ago.
  if (machine.restored && stdin.isTTY) machine.console.send("\n");
  try {
    await Promise.race([left, machine.broken]);
  } finally {
    stdin.off("data", typed);
    stdout.off("resize", resized);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  }
}

async function fitTerminal(machine: LinuxMachine): Promise<void> {
  const { columns, rows } = process.stdout;
  if (columns !== undefined) await machine.run(`stty -F /dev/ttyS0 cols ${columns} rows ${rows}`);
}
