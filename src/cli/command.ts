/** A command that behaves as all of ours do: errors are thrown for `main` to explain, and begin with our name. */
import { Command } from "commander";

export function newCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "virtlab: ").replace("\n(", " (")),
    });
}
