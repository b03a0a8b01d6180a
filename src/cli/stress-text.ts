/** What `virtlab stress` prints for people. */
import { counted } from "../machine/counted.ts";
import { displayUrl } from "../machine/thread.ts";
import { formatTable } from "../observe/report/tables.ts";
import type { CampaignReport } from "../stress/campaign/campaign.ts";
import { type DefectReport, type DefectRow, NO_DEFECT } from "../stress/campaign/defect-campaign.ts";
import type { EpisodeFailure } from "../stress/campaign/episode-pool.ts";
import type { FaultReport } from "../stress/campaign/fault-campaign.ts";
import { huntLine } from "../stress/campaign/hunt-line.ts";
import { episode, type Wishes } from "../stress/episode/swarm.ts";

type Finding = CampaignReport["findings"][number];

/** The line that repeats a finding's machine, and one for the hunter where it has something like it. */
export function again({ seed, what }: Finding, wishes: Wishes): { again: string; hunt: string | null } {
  const options = [
    ...(wishes.only === undefined ? [] : [`--only ${wishes.only.join(",")}`]),
    ...(wishes.own?.device === undefined ? [] : [`--device ${shellWord(displayUrl(wishes.own.device))}`]),
    ...(wishes.own?.driver === undefined ? [] : [`--driver ${shellWord(displayUrl(wishes.own.driver))}`]),
    ...(wishes.monitor === undefined ? [] : [wishes.monitor ? "--monitor" : "--no-monitor"]),
  ];
  return {
    again: ["virtlab stress", `--seed ${seed}`, "--episodes 1 --machines 1", ...options].join(" "),
    hunt: huntLine(episode(seed, wishes), what),
  };
}

/** As a shell takes it for one word. */
const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

export function liveLine(report: CampaignReport): string {
  const rate = Math.round(report.actions / report.seconds);
  return (
    `${report.seconds.toFixed(0)} s: ${report.findings.length} findings, ${report.machines} machines, ` +
    `${rate} actions/s, ${report.bytesVerified} bytes verified, ${report.kicks} kicks, ${report.interrupts} interrupts`
  );
}

export function campaignText(seed: number, report: CampaignReport, wishes: Wishes): string {
  const rows = [
    ["machines", report.machines],
    ["cut short", report.cutShort],
    ["actions", report.actions],
    ...Object.entries(report.byAction).map(([name, count]) => [`  ${name}`, count]),
    ["bytes verified", report.bytesVerified],
    ["kicks", report.kicks],
    ["interrupts", report.interrupts],
    ["bytes held on to, per minute", Math.round(report.heapSlope)],
    ["resident bytes, per minute", Math.round(report.residentSlope)],
    ["handles, per minute", Math.round(report.handleSlope * 100) / 100],
  ];
  const findings = report.findings.map((finding) => {
    const lines = again(finding, wishes);
    const hunt = lines.hunt === null ? "" : `\nhunt:  ${lines.hunt}`;
    return `finding: ${finding.what}\n${finding.detail}\nagain: ${lines.again}${hunt}`;
  });
  const failure = report.failure === null ? [] : [failureText(report.failure)];
  const verdict = `verdict: ${report.findings.length} findings in ${report.seconds.toFixed(1)} s (seed ${seed})`;
  return [formatTable([], rows), ...findings, ...failure, verdict].join("\n\n");
}

const failureText = ({ seed, detail }: EpisodeFailure): string =>
  `a failure of virtlab, in the machine of seed ${seed}, ended it too early:\n${detail}`;

export function faultText(seed: number, report: FaultReport): string {
  const { fault, runs, detected, missed, cutShort, words, failure } = report;
  const others = missed.map((each) => `missed: seed ${each.seed}: ${each.what ?? "nothing was found"}`);
  return [
    ...(words === null ? [] : [`detected as: ${words}`]),
    ...others,
    ...(cutShort === 0 ? [] : [`cut short: ${counted(cutShort, "machine")}`]),
    ...(failure === null ? [] : [failureText(failure)]),
    `verdict: ${fault} detected in ${detected} of ${runs} machines (seed ${seed})`,
  ].join("\n");
}

export function defectsLine(now: readonly string[], rows: readonly DefectRow[], total: number): string {
  const found = rows.filter(({ outcome }) => outcome === "found").length;
  return `planted: ${now.join(", ")}; ${rows.length} of ${total} done, ${found} found`;
}

export function defectsText({ defects: rows, failure }: DefectReport): string {
  const lines = rows.map(({ id, name, outcome, seconds, machines, what }) => [
    id,
    name,
    seconds === null ? outcome : `found in ${seconds.toFixed(1)} s`,
    String(machines),
    (what ?? "").slice(0, 80),
  ]);
  const planted = rows.filter(({ id }) => id !== NO_DEFECT);
  const count = (wanted: DefectRow["outcome"]) => planted.filter(({ outcome }) => outcome === wanted).length;
  const verdict = `${count("found")} found, ${count("not found")} not, ${count("not in a live machine")} cannot be in a live machine`;
  const wrong = count("planted wrong") === 0 ? "" : `, ${count("planted wrong")} planted wrong`;
  return [
    formatTable(["defect", "", "stress", "machines", "finding"], lines),
    ...(failure === null ? [] : [failureText(failure)]),
    `verdict: ${verdict}${wrong}`,
  ].join("\n\n");
}
