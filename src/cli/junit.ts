/** A stress campaign as JUnit XML, for the consumers that every CI has. */
import type { CampaignReport } from "../stress/campaign/campaign.ts";
import type { EpisodeFailure } from "../stress/campaign/episode-pool.ts";

const ESCAPES: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };
// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no place for them.
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;
const escapeXml = (text: string): string =>
  text.replace(UNPRINTABLE, "?").replace(/[<>&"]/g, (character) => ESCAPES[character] ?? character);

/** One test case for the machines that passed, and one for each finding, and for a failure of our own. */
export function junit({ machines, findings, failure, seconds }: CampaignReport): string {
  const errors = failure === null ? [] : [failure];
  const cases = [
    ...findings.map((finding) => testCase(finding, "failure")),
    ...errors.map((error) => testCase(error, "error")),
  ];
  const passed = `    <testcase classname="virtlab.stress" name="${machines - findings.length} machines without finding" time="${seconds.toFixed(3)}"/>`;
  const counts = `tests="${cases.length + 1}" failures="${findings.length}" errors="${errors.length}" time="${seconds.toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="virtlab stress" ${counts}>`,
    passed,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

const testCase = ({ seed, what, detail }: EpisodeFailure, kind: "failure" | "error"): string =>
  `    <testcase classname="virtlab.stress" name="machine ${seed}" time="0">\n` +
  `      <${kind} message="${escapeXml(what)}">${escapeXml(detail)}</${kind}>\n    </testcase>`;
