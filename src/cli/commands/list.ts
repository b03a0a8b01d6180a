/** `virtlab list`: what there is: devices with options and defaults; scenarios, defects and policies of the hunter. */
import type { Command } from "commander";
import { devices } from "../../devices/index.ts";
import type { DeviceOption } from "../../host/device.ts";
import { UsageError } from "../../host/device.ts";
import { DEFECTS } from "../../hunt/defects/index.ts";
import { POLICIES, POLICY_NAMES, PORTFOLIO } from "../../hunt/policies/index.ts";
import { SCENARIOS } from "../../hunt/scenarios/index.ts";
import { nearestName } from "../../machine/nearest-name.ts";
import { conformancePage } from "../../monitor/conformance.ts";
import { coverage } from "../../monitor/monitor.ts";
import { formatTable } from "../../observe/report/tables.ts";
import { FAULTS } from "../../stress/faults/faults.ts";
import { newCommand } from "../command.ts";

const WHAT = ["devices", "scenarios", "defects", "policies", "statements", "faults"] as const;

export function listCommand(): Command {
  return newCommand("list")
    .description(`list what virtlab has: ${WHAT.join(", ")}`)
    .argument("<what>", WHAT.join(", "))
    .option("--json", "print JSON")
    .option("--markdown", "statements: print the page docs/conformance.md")
    .action((what: string, options: { json?: boolean; markdown?: boolean }) => {
      if (options.markdown && what !== "statements") throw new UsageError("--markdown is for statements");
      process.stdout.write(options.markdown ? conformancePage() : `${list(what, options.json ?? false)}\n`);
    });
}

function list(what: string, json: boolean): string {
  if (what === "devices") return json ? asJson() : asText();
  const rows = what === "statements" ? statementRows() : huntRows(what);
  if (rows === undefined) {
    throw new UsageError(`list: expected ${WHAT.join(", ")}, got "${what}"${nearestName(what, WHAT)}`);
  }
  if (json) return JSON.stringify({ [what]: rows }, null, 2);
  return formatTable(
    [],
    rows.map((row) => Object.values(row).map(String)),
  );
}

function huntRows(what: string): readonly Readonly<Record<string, string>>[] | undefined {
  if (what === "scenarios") return SCENARIOS.map(({ name, summary }) => ({ name, summary }));
  if (what === "defects") return DEFECTS.map(({ id, name, needs, seen }) => ({ id, name, needs, seen }));
  if (what === "faults") return FAULTS.map(({ name, summary }) => ({ name, summary }));
  if (what !== "policies") return undefined;
  const portfolio = { name: PORTFOLIO, summary: "the others in turn" };
  const searching = POLICIES.filter(({ name }) => POLICY_NAMES.includes(name));
  return [...searching.map(({ name, summary }) => ({ name, summary })), portfolio];
}

const statementRows = () =>
  coverage().map(({ id, strength, section, text, checked, unchecked }) => ({
    id,
    strength,
    section,
    text,
    checked: checked ? "checked" : `not checked: ${unchecked ?? ""}`,
  }));

const entries = () => Object.entries(devices);

function asJson(): string {
  const rows = entries().map(([name, { virtioId, summary, options, createPart }]) => ({
    name,
    virtioId,
    summary,
    ioThreads: createPart !== undefined,
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
      const spread =
        definition.createPart === undefined ? "" : "; its queues go to I/O threads (--io-threads)";
      const head = `${name}  (virtio id ${definition.virtioId})  ${definition.summary}${spread}`;
      return rows.length === 0 ? head : `${head}\n${formatTable([], rows)}`;
    })
    .join("\n\n");
}

const typeName = ({ type }: DeviceOption): string => (typeof type === "string" ? type : type.join("|"));
