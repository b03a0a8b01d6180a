/** A command that behaves as all of ours do: errors are thrown for `main` to explain, and begin with our name. */
import { Command, Help, type Option } from "commander";

export function newCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false, optionDescription })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "virtlab: ").replace("\n(", " (")),
    });
}

/** Defaults as one would type them; a list that begins empty is no news. */
function optionDescription(option: Option): string {
  return new Help()
    .optionDescription(option)
    .replace(" (default: [])", "")
    .replace(/default: "?([^")]*)"?\)/, "default $1)");
}
