/** The shell's guest program: one command from beginning to end; what it returns is what the prompt prints. */
import { defineGuest, type GuestContext } from "../../../guest/define.ts";
import { formatLspci } from "../../../observe/report/tables.ts";
import { dd, sha256sum } from "./dd.ts";
import { bind, mask, rescan, reset, resume, suspend, unbind, unmask } from "./device-commands.ts";
import { cat, lsblk } from "./files.ts";
import type { Words } from "./names.ts";
import { ping } from "./ping.ts";

export interface GuestCommandArgs {
  readonly command: GuestCommandName;
  readonly words: Words;
}

const COMMANDS = {
  lspci: (guest) => formatLspci(guest.pci.describe()),
  lsblk,
  cat,
  dd,
  sha256sum,
  ping,
  unbind,
  bind,
  rescan,
  suspend,
  resume,
  mask,
  unmask,
  reset,
} satisfies Record<string, (guest: GuestContext, words: Words) => string | Promise<string>>;

export type GuestCommandName = keyof typeof COMMANDS;

export default defineGuest(async (guest): Promise<string> => {
  const { command, words } = guest.args as GuestCommandArgs;
  return COMMANDS[command](guest, words);
});
