/** What `virtlab run` prints: text for people, stable keys for scripts. */
import { inspect } from "node:util";
import type { Acceptance } from "../machine/acceptance.ts";
import type { BalloonResult } from "../machine/acceptance-balloons.ts";
import { counted } from "../machine/counted.ts";
import type { RunReport } from "../machine/machine.ts";
import type { ConsoleResult } from "../machine/workloads/consoles.ts";
import type { CpuResult } from "../machine/workloads/cpus.ts";
import type { NicResult } from "../machine/workloads/nics.ts";
import { describeFinding } from "../monitor/monitor.ts";
import { formatInterrupts, formatLatency, formatLspci, formatQueues } from "../observe/report/tables.ts";

const megabytesPerSecond = (bytes: number, seconds: number): number =>
  Math.round(bytes / 1e4 / Math.max(seconds, 1e-9)) / 100;

/** The tier that the first device (the disk) reached. */
function tierOf(report: RunReport): string | null {
  return Object.values(report.guest?.interrupts.tiers ?? {})[0] ?? null;
}

const interruptsOf = (report: RunReport) => ({
  tier: tierOf(report),
  tiers: report.guest?.interrupts.tiers ?? {},
  lines: report.guest?.interrupts.lines ?? [],
});

const failureOf = (report: RunReport) => ({
  reason: report.reason,
  violations: report.violations,
  ...(report.fault !== null && { fault: report.fault }),
  ...(report.control !== null && {
    state: { control: report.control, host: report.host, guest: report.guest },
  }),
});

/** Only where a monitor watched. */
export const monitorOf = ({ monitor }: Pick<RunReport, "monitor">) => (monitor === null ? {} : { monitor });

export function acceptanceJson(run: Acceptance) {
  const { report, result } = run;
  return {
    counterpart: report.counterpart,
    verdict: report.verdict,
    verified: run.verified,
    ...failureOf(report),
    ...monitorOf(report),
    differences: run.differences,
    disk: {
      sha256: result?.disk?.sha256 ?? null,
      expectedSha256: run.expectedSha256,
      bytes: result?.disk?.bytes ?? 0,
      seconds: result?.disk?.seconds ?? 0,
      requestsPerSecond: Math.round((result?.disk?.requests ?? 0) / (result?.disk?.seconds ?? 1)),
      megabytesPerSecond: megabytesPerSecond(result?.disk?.bytes ?? 0, result?.disk?.seconds ?? 0),
      seed: run.seed,
    },
    pattern: result?.pattern ?? null,
    entropy: result?.entropy ?? null,
    nics: result?.nics ?? [],
    devices: (report.host?.functions ?? []).map(({ name, model }) => ({ name, model })),
    consoles: result?.consoles ?? [],
    balloons: run.balloons,
    log: { host: report.host?.log ?? [], guest: report.guest?.log ?? [] },
    interrupts: interruptsOf(report),
    pci: report.guest?.pci ?? [],
    queues: report.queues,
    latencyUs: result?.latencyUs ?? {},
    cpus: result?.cpus ?? [],
  };
}

export function acceptanceText(run: Acceptance): string {
  const { report, result } = run;
  const parts = [busText(report)];
  if (result?.disk) {
    const { bytes, seconds, requests, sha256 } = result.disk;
    parts.push(
      [
        run.seed === null ? "" : `memory disk of ${bytes} bytes, seed ${run.seed}`,
        `read     ${bytes} bytes in ${seconds.toFixed(3)} s: ${megabytesPerSecond(bytes, seconds)} MB/s, ` +
          `${Math.round(requests / seconds)} requests/s`,
        `sha256   ${sha256} in the guest`,
        `         ${run.expectedSha256} outside`,
        `latency  ${formatLatency(result.latencyUs)}`,
        result.pattern === null
          ? "pattern  not written (the file is not changed without --write)"
          : `pattern  ${result.pattern.bytes} bytes written, flushed, ${result.pattern.verified ? "read back" : "NOT read back"}`,
        result.entropy === null ? "entropy  none" : `entropy  ${result.entropy.bytes} bytes read`,
        ...result.cpus.map(cpuLine),
        ...result.nics.map(nicLine),
        ...result.consoles.map(consoleLine),
        ...run.balloons.map(balloonLine),
      ]
        .filter((line) => line !== "")
        .join("\n"),
    );
  }
  const log = logText(report);
  if (log !== "") parts.push(log);
  parts.push(
    [
      ...monitorText(report),
      ...run.differences.map((line) => `differs: ${line}`),
      ...troubleText(report),
      verdictLine(report, run),
    ].join("\n"),
  );
  return parts.join("\n\n");
}

function cpuLine({ cpu, disk, pattern, flows }: CpuResult): string {
  const parts = [
    disk === null
      ? ""
      : `${disk.bytes} bytes in ${disk.seconds.toFixed(3)} s, sha256 ${disk.sha256.slice(0, 16)}…`,
    pattern === null ? "" : `pattern ${pattern.verified ? "read back" : "NOT read back"}`,
    ...flows.map(({ frames, verified }) => `${frames} frames ${verified ? "back" : "NOT all back"}`),
  ].filter((part) => part !== "");
  return `CPU ${cpu}    ${parts.length === 0 ? "no queue of its own" : parts.join(", ")}`;
}

function nicLine(nic: NicResult, index: number): string {
  const head = `nic ${index}    ${nic.mac}, link ${nic.linkUp ? "up" : "down"}`;
  if (nic.kind === "idle") return head;
  if (nic.kind === "ping") return `${head}, ping ${nic.verified ? "answered" : "NOT answered"}`;
  const figures = `${nic.frames} frames, ${nic.bytes} bytes in ${nic.seconds.toFixed(3)} s`;
  return `${head}, ${nic.kind}: ${figures}, sha256 ${nic.sha256.slice(0, 16)}…`;
}

function consoleLine({ ports, bytesWritten, verified }: ConsoleResult): string {
  const echo = verified === null ? "" : verified ? ", echo read back" : ", echo NOT read back";
  return `console  ${counted(ports, "port")}, ${bytesWritten} bytes written${echo}`;
}

function balloonLine({ targetPages, givenPages, finalPages }: BalloonResult): string {
  return `balloon  ${givenPages ?? "?"} of ${targetPages} pages given, then back at ${finalPages ?? "?"}`;
}

function verdictLine(report: RunReport, run: Acceptance): string {
  if (report.verdict !== "completed") return `verdict: ${report.verdict}: ${report.reason}`;
  return `verdict: completed, ${run.verified ? "verified" : "NOT verified"} (${tierOf(report)} interrupts)`;
}

export function programJson(report: RunReport) {
  return {
    counterpart: report.counterpart,
    verdict: report.verdict,
    ...failureOf(report),
    ...monitorOf(report),
    result: asJson(report.result ?? null),
    interrupts: interruptsOf(report),
    pci: report.guest?.pci ?? [],
    queues: report.queues,
    log: { host: report.host?.log ?? [], guest: report.guest?.log ?? [] },
  };
}

/** A program may return what JSON has no words for: a bigint, a cycle. Then as Node would print it. */
function asJson(result: unknown): unknown {
  try {
    JSON.stringify(result);
    return result;
  } catch {
    return inspect(result);
  }
}

export function programText(report: RunReport): string {
  return [
    busText(report),
    logText(report),
    report.result === null || report.result === undefined
      ? ""
      : `result: ${JSON.stringify(asJson(report.result), null, 2)}`,
    [
      ...monitorText(report),
      ...troubleText(report),
      `verdict: ${report.verdict}${report.reason === null ? "" : `: ${report.reason}`}`,
    ].join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function busText({ counterpart, guest, queues }: RunReport): string {
  if (guest === null) return "";
  return [
    counterpart === "virtlab" ? "" : `devices of ${counterpart}`,
    formatLspci(guest.pci),
    formatInterrupts(guest.interrupts.lines),
    queues.length === 0 ? "" : formatQueues(queues),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** What the devices and drivers had to say. */
function logText(report: RunReport): string {
  return [
    ...(report.host?.log ?? []).map((line) => `host: ${line}`),
    ...(report.guest?.log ?? []).map((line) => `guest: ${line}`),
  ].join("\n");
}

export function monitorText({ monitor }: Pick<RunReport, "monitor">): string[] {
  if (monitor === null) return [];
  const { checked, findings } = monitor;
  const broken = findings.filter(({ tolerated }) => tolerated === null);
  return [
    `monitor  ${checked} statements checked, ${broken.length === 0 ? "nothing found" : `${broken.length} broken`}`,
    ...findings.map(describeFinding),
  ];
}

function troubleText(report: RunReport): string[] {
  const lines = report.violations.map(
    (v) =>
      `violation: ${v.device}${v.queue < 0 ? "" : ` queue ${v.queue}`}: ${v.kind}: ${v.detail}${v.count > 1 ? ` (${v.count} times)` : ""}`,
  );
  if (report.control !== null) {
    lines.push(
      `state: ${JSON.stringify({ control: report.control, host: report.host?.functions, guest: report.guest?.queues }, null, 2)}`,
    );
  }
  return lines;
}
