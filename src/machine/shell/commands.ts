/** Every command of the shell: how it is used, and what carries it out; most run in the guest. */
import { UsageError } from "../../host/device.ts";
import { formatQueues } from "../../observe/report/tables.ts";
import type { DeviceDescription } from "../description.ts";
import { FILES } from "./guest/files.ts";
import type { GuestCommandName } from "./guest/program.ts";
import type { Shell } from "./shell.ts";

export interface ShellCommand {
  /** What follows the command's name. */
  readonly usage: string;
  readonly help: string;
  /** What a word of it may be, for completion: "devices", "disks", or these. */
  readonly words?: "devices" | "disks" | readonly string[];
  run(shell: Shell, words: readonly string[]): Promise<string>;
}

const inGuest =
  (command: GuestCommandName): ShellCommand["run"] =>
  (shell, words) =>
    shell.runInGuest(command, words);

export const COMMANDS: Readonly<Record<string, ShellCommand>> = {
  lspci: { usage: "", help: "functions on the bus, and their drivers", run: inGuest("lspci") },
  lsblk: { usage: "", help: "disks", run: inGuest("lsblk") },
  cat: {
    usage: "FILE",
    help: Object.keys(FILES).join(", "),
    words: Object.keys(FILES),
    run: inGuest("cat"),
  },
  dd: {
    usage: "if=PLACE of=PLACE [bs=SIZE] [count=N] [skip=N] [seek=N]",
    help: "copies blocks: vda, vdb, /dev/zero, /dev/null, /dev/hwrng; then flushes",
    words: "disks",
    run: inGuest("dd"),
  },
  sha256sum: { usage: "DISK", help: "hash of a whole disk", words: "disks", run: inGuest("sha256sum") },
  ping: { usage: "[-c N] ADDRESS", help: "ARP, then ICMP echo requests", run: inGuest("ping") },
  unbind: {
    usage: "DEVICE",
    help: "takes the driver off a device",
    words: "devices",
    run: inGuest("unbind"),
  },
  bind: { usage: "DEVICE", help: "offers a device to the drivers", words: "devices", run: inGuest("bind") },
  rescan: { usage: "", help: "looks which devices are there", run: inGuest("rescan") },
  reset: {
    usage: "DEVICE",
    help: "resets; requests in flight are cancelled",
    words: "devices",
    run: inGuest("reset"),
  },
  suspend: {
    usage: "DEVICE",
    help: "puts a device to sleep (D3hot)",
    words: "devices",
    run: inGuest("suspend"),
  },
  resume: { usage: "DEVICE", help: "wakes it up (D0)", words: "devices", run: inGuest("resume") },
  mask: {
    usage: "DEVICE [VECTOR]",
    help: "masks one vector, or all; without MSI-X the line",
    words: "devices",
    run: inGuest("mask"),
  },
  unmask: {
    usage: "DEVICE [VECTOR]",
    help: "unmasks; what was pending arrives",
    words: "devices",
    run: inGuest("unmask"),
  },
  stats: { usage: "", help: "counters of all queues", run: stats },
  dmesg: { usage: "", help: "what host and guest had to say", run: messages },
  plug: {
    usage: "NAME[,key=value…]",
    help: "plugs a device in, as --device has it",
    run: async (shell, [text]) =>
      `slot ${await shell.machine.plug(shell.parseDevice(required(text, "a device")))}`,
  },
  unplug: {
    usage: "DEVICE [--surprise]",
    help: "asks the guest for a device and takes it out; or pulls it out",
    words: "devices",
    run: unplug,
  },
  device: {
    usage: "DEVICE COMMAND [ARGUMENT…]",
    help: "a change at the device's end, e.g. device blk resize 32M",
    words: "devices",
    run: deviceCommand,
  },
  wait: {
    usage: "",
    help: "waits for commands that run in the background (COMMAND &)",
    run: (shell) => shell.wait(),
  },
  sleep: { usage: "MILLISECONDS", help: "waits", run: sleep },
  help: { usage: "[COMMAND]", help: "this", run: async (_shell, [name]) => help(name) },
  exit: { usage: "", help: "ends the machine", run: async (shell) => shell.exit() },
};

export type ParseDevice = (text: string) => DeviceDescription;

async function stats(shell: Shell): Promise<string> {
  const { queues } = await shell.facts();
  return queues.length === 0 ? "no queues" : formatQueues(queues);
}

async function messages(shell: Shell): Promise<string> {
  const { host, guest } = await shell.facts();
  const lines = [
    ...(host?.log ?? []).map((line) => `host: ${line}`),
    ...(guest?.log ?? []).map((line) => `guest: ${line}`),
  ];
  return lines.join("\n") || "nothing";
}

async function unplug(shell: Shell, words: readonly string[]): Promise<string> {
  const surprise = words.includes("--surprise");
  const device = required(
    words.find((word) => word !== "--surprise"),
    "a device",
  );
  await shell.machine.unplug(device, { surprise });
  return `${device}: ${surprise ? "pulled out" : "let go of and taken out"}`;
}

async function deviceCommand(shell: Shell, [device, command, ...args]: readonly string[]): Promise<string> {
  const answer = await shell.machine.deviceCommand(
    required(device, "a device"),
    required(command, "a command"),
    ...args,
  );
  return answer === undefined || answer === null ? "done" : JSON.stringify(answer);
}

async function sleep(_shell: Shell, [text]: readonly string[]): Promise<string> {
  const ms = Number(required(text, "milliseconds"));
  if (!Number.isFinite(ms)) throw new UsageError(`expected milliseconds, got ${text}`);
  await new Promise((resolve) => setTimeout(resolve, ms));
  return "";
}

function help(name: string | undefined): string {
  if (name !== undefined) {
    const command = COMMANDS[name];
    if (command === undefined) throw new UsageError(`no command ${name}`);
    return `${name} ${command.usage}\n  ${command.help}`;
  }
  const heads = Object.entries(COMMANDS).map(([each, { usage }]) => `${each} ${usage}`.trimEnd());
  const width = 28;
  const lines = Object.values(COMMANDS).map(({ help: text }, index) => {
    const head = heads[index] ?? "";
    return head.length < width
      ? `  ${head.padEnd(width)}${text}`
      : `  ${head}\n  ${" ".repeat(width)}${text}`;
  });
  return [
    "A DEVICE is 00:04.0, its slot 4, or its virtio name; after a # all is comment.",
    "COMMAND & runs in the background; ! COMMAND succeeds if the command fails.",
    ...lines,
  ].join("\n");
}

function required(word: string | undefined, what: string): string {
  if (word === undefined) throw new UsageError(`expected ${what}`);
  return word;
}
