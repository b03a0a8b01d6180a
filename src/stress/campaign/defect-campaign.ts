/**
 * What stress without a scheduler finds of the hunter's defects: each is planted into live machines for some time.
 * Defects of classes that only the hunter's small scenarios have cannot be in a live machine.
 */
import type { Defect } from "../../hunt/defect.ts";
import { DEFECTS } from "../../hunt/defects/index.ts";
import { runCampaign } from "./campaign.ts";

export interface DefectRow {
  readonly id: string;
  readonly name: string;
  readonly outcome: "found" | "not found" | "not in a live machine";
  /** Until it was found. */
  readonly seconds: number | null;
  readonly what: string | null;
}

export interface DefectCampaignOptions {
  readonly secondsEach: number;
  readonly machines: number;
  readonly seed: number;
  readonly ids?: readonly string[];
  readonly onRow?: (row: DefectRow) => void;
}

/** Short enough for a campaign of a few seconds, and longer than anything in order takes. */
const STALL_MS = 2000;
/** Classes of the product; the hunter's own devices and drivers live elsewhere. */
const LIVE = new Set([
  "DeviceQueue",
  "DriverQueue",
  "Doorbell",
  "IntxPin",
  "QueueConfig",
  "Interrupts",
  "FunctionInterrupts",
  "Msix",
  "VirtioDevice",
  "VirtioPciTransport",
  "VirtioFunction",
  "MailboxBus",
  "MailboxServer",
  "InterruptController",
  "KickSender",
  "KickReceiver",
  "Queues",
  "Vectors",
]);

export async function runDefects(options: DefectCampaignOptions): Promise<DefectRow[]> {
  const rows: DefectRow[] = [];
  for (const defect of DEFECTS) {
    if (options.ids !== undefined && !options.ids.includes(defect.id)) continue;
    const row = isLive(defect) ? await campaign(defect, options) : absent(defect);
    rows.push(row);
    options.onRow?.(row);
  }
  return rows;
}

const isLive = ({ replacements }: Defect): boolean =>
  replacements.length > 0 && replacements.every(({ base }) => LIVE.has(base.name));

const absent = ({ id, name }: Defect): DefectRow => ({
  id,
  name,
  outcome: "not in a live machine",
  seconds: null,
  what: null,
});

async function campaign({ id, name }: Defect, options: DefectCampaignOptions): Promise<DefectRow> {
  const { secondsEach, machines, seed } = options;
  const wishes = { defect: id, stallMs: STALL_MS };
  const report = await runCampaign({ seconds: secondsEach, machines, seed, failFast: true, wishes });
  const [finding] = report.findings;
  return finding === undefined
    ? { id, name, outcome: "not found", seconds: null, what: null }
    : { id, name, outcome: "found", seconds: report.seconds, what: finding.what };
}
