/** `virtlab list devices`: what there is, with options and defaults. */
import type { Command } from "commander";
import { devices } from "../../devices/index.ts";
import type { DeviceOption } from "../../host/device.ts";
import { UsageError } from "../../host/device.ts";
import { formatTable } from "../../observe/report/tables.ts";
import { newCommand } from "../command.ts";

export function listCommand(): Command {
  return newCommand("list")
    .description("list what virtlab has: devices")
    .argument("<what>", "devices")
    .option("--json", "print JSON")
    .action((what: string, options: { json?: boolean }) => {
      if (what !== "devices") throw new UsageError(`list: expected devices, got "${what}"`);
      process.stdout.write(`${options.json ? asJson() : asText()}\n`);
    });
}

const entries = () => Object.entries(devices);

function asJson(): string {
  const rows = entries().map(([name, { virtioId, summary, options }]) => ({
    name,
    virtioId,
    summary,
    options: options ?? {},
  }));
  return JSON.stringify({ devices: rows }, null, 2);
}

function asText(): string {
  return entries()
    .map(([name, definition]) => {
      const rows = Object.entries(definition.options ?? {}).map(([option, about]) => [
        `  ${option}`,
        typeName(about),
        about.default === undefined ? "" : `default ${about.default}`,
        about.help,
      ]);
      const head = `${name}  (virtio id ${definition.virtioId})  ${definition.summary}`;
      return rows.length === 0 ? head : `${head}\n${formatTable([], rows)}`;
    })
    .join("\n\n");
}

const typeName = ({ type }: DeviceOption): string => (typeof type === "string" ? type : type.join("|"));
