/** The table of statements: which are checked, and why the others are not. */
import { coverage } from "./monitor.ts";
import { TOLERATED } from "./statements/index.ts";

type Row = ReturnType<typeof coverage>[number];

const count = (rows: readonly Row[], strength: Row["strength"]): string => {
  const all = rows.filter((row) => row.strength === strength);
  return `${all.filter(({ checked }) => checked).length} of ${all.length}`;
};

const fit = (row: Row): string =>
  `| ${row.id} | ${row.strength} | ${row.section} | ${row.text} | ${row.checked ? (TOLERATED[row.id] === undefined ? "checked" : "checked, tolerated") : `no: ${row.unchecked ?? ""}`} |`;

/** docs/conformance.md, whole. */
export function conformancePage(): string {
  const rows = coverage();
  const checked = rows.filter((row) => row.checked).length;
  return `# What the monitor checks

Generated: \`npm run -s virtlab -- list statements --markdown > docs/conformance.md\`.

Of ${rows.length} normative statements that apply to the legacy interface with split rings and to network, block,
console, entropy and balloon devices, ${checked} are checked while a machine runs: MUST ${count(rows, "MUST")}, SHOULD
${count(rows, "SHOULD")}, IMPLIED (described without a MUST) ${count(rows, "IMPLIED")}. Each check has a test that breaks
its statement alone. Sections are those of virtio 1.4, or 0.9.5; the texts are ours. The numbers are virtlab's own.

A breach of a MUST makes \`virtlab run --monitor\` end with exit code 1, unless it is one that the drivers of the time
are known for:

${Object.entries(TOLERATED)
  .map(([id, reason]) => `- ${id}: ${reason}.`)
  .join("\n")}

| statement | strength | section | in our words | checked |
| --- | --- | --- | --- | --- |
${rows.map(fit).join("\n")}
`;
}
