/** A stress campaign as JUnit XML, for the consumers that every CI has. */
import type { CampaignReport } from "../stress/campaign/campaign.ts";

const ESCAPES: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };
// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no place for them.
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;
const escapeXml = (text: string): string =>
  text.replace(UNPRINTABLE, "?").replace(/[<>&"]/g, (character) => ESCAPES[character] ?? character);

/** One test case for the machines that passed, and one for each finding. */
export function junit({ machines, findings, seconds }: CampaignReport): string {
  const cases = findings.map(
    ({ seed, what, detail }) =>
      `    <testcase classname="virtlab.stress" name="machine ${seed}" time="0">\n` +
      `      <failure message="${escapeXml(what)}">${escapeXml(detail)}</failure>\n    </testcase>`,
  );
  const passed = `    <testcase classname="virtlab.stress" name="${machines - findings.length} machines without finding" time="${seconds.toFixed(3)}"/>`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${cases.length + 1}" failures="${cases.length}" time="${seconds.toFixed(3)}">`,
    `  <testsuite name="virtlab stress" tests="${cases.length + 1}" failures="${cases.length}" errors="0" time="${seconds.toFixed(3)}">`,
    passed,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}
