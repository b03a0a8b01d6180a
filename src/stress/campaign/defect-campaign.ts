/**
 * What stress without a scheduler finds of the hunter's defects: each is planted into live machines for some time.
 * Defects of classes that only the hunter's small scenarios have cannot be in a live machine. One row has nothing
 * planted: if it finds something, the others say nothing.
 */
import type { Defect } from "../../hunt/defect.ts";
import { DEFECTS } from "../../hunt/defects/index.ts";
import { plantedWrong } from "../../hunt/scoreboard.ts";
import { inLanes, numbered } from "../../machine/pool.ts";
import type { Wishes } from "../episode/swarm.ts";
import { type CampaignReport, campaignOn } from "./campaign.ts";
import { type EpisodeFailure, withEpisodePool } from "./episode-pool.ts";

export interface DefectRow {
  readonly id: string;
  readonly name: string;
  /** Planted wrong: its own code threw, so that nothing is known of the bug; a failure of ours. */
  readonly outcome: "found" | "not found" | "not in a live machine" | "planted wrong";
  /** Until it was found. */
  readonly seconds: number | null;
  /** Begun until then. */
  readonly machines: number;
  readonly what: string | null;
}

export interface DefectReport {
  /** In their order; those that an abort or a failure has left out are missing. */
  readonly defects: readonly DefectRow[];
  /** What ended it too early; a failure of our own. */
  readonly failure: EpisodeFailure | null;
}

export interface DefectCampaignOptions {
  /** The most that each may take, but for the moments that a machine needs to start and to end. */
  readonly secondsEach: number;
  /** Defects at once, each in one machine after the other. */
  readonly lanes: number;
  readonly seed: number;
  /** Default: all that can be planted anywhere, and none. */
  readonly ids?: readonly string[];
  /** What is planted now, and what is known so far. */
  readonly onProgress?: (now: readonly string[], rows: readonly DefectRow[], total: number) => void;
  readonly signal?: AbortSignal;
}

/** The row in which nothing is planted. */
export const NO_DEFECT = "none";

/** Short enough for a campaign of a minute, and longer than anything in order takes. */
const DEADLINES = {
  startMs: 15_000,
  portMs: 10_000,
  ioThreadMs: 10_000,
  unplugMs: 10_000,
  commandMs: 10_000,
  stopMs: 10_000,
  stallMs: 6_000,
};
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

export async function runDefects(options: DefectCampaignOptions): Promise<DefectReport> {
  const { ids, lanes, signal, onProgress } = options;
  const wanted = [NOTHING, ...DEFECTS].filter((each) => ids?.includes(each.id) ?? !isPacked(each));
  const rows: DefectRow[] = [];
  const now = new Set<string>();
  let next = 0;
  let failure: EpisodeFailure | null = null;
  await withEpisodePool(lanes, (pool) =>
    inLanes(numbered(lanes), async () => {
      const defect = wanted[next++];
      if (defect === undefined || signal?.aborted || failure !== null) return false;
      now.add(defect.id);
      const told = () => onProgress?.([...now], rows, wanted.length);
      told();
      const plantable = defect === NOTHING || (isLive(defect) && !isPacked(defect));
      const wishes: Wishes = { deadlines: DEADLINES, ...(defect !== NOTHING && { defect: defect.id }) };
      const report = plantable ? await campaignOn(pool, { ...campaignOptions(options), wishes }) : undefined;
      const ended = signal?.aborted || (report?.failure ?? null) !== null;
      if (report?.findings.length || !ended) rows.push(defectRow(defect, report));
      failure ??= report?.failure ?? null;
      now.delete(defect.id);
      told();
      return true;
    }),
  );
  return { defects: rows.sort((a, b) => indexOf(wanted, a) - indexOf(wanted, b)), failure };
}

const NOTHING: Pick<Defect, "id" | "name"> = { id: NO_DEFECT, name: "nothing is planted" };

/** No device offers that ring. */
const isPacked = ({ needs }: Partial<Defect>): boolean => needs === "packed-ring";

const isLive = (defect: object): boolean => {
  const { replacements = [] } = defect as Partial<Defect>;
  return replacements.length > 0 && replacements.every(({ base }) => LIVE.has(base.name));
};

const indexOf = (defects: readonly { readonly id: string }[], row: DefectRow): number =>
  defects.findIndex(({ id }) => id === row.id);

const campaignOptions = ({ secondsEach, seed, signal }: DefectCampaignOptions) => ({
  seconds: secondsEach,
  cutShort: true,
  machines: 1,
  seed,
  failFast: true,
  ...(signal && { signal }),
});

/** Without a report: it cannot be in a live machine. */
export function defectRow(
  { id, name }: Pick<Defect, "id" | "name">,
  report: Pick<CampaignReport, "findings" | "seconds" | "machines" | "cutShort"> | undefined,
): DefectRow {
  if (report === undefined)
    return { id, name, outcome: "not in a live machine", seconds: null, machines: 0, what: null };
  const [finding] = report.findings;
  const { seconds } = report;
  const machines = report.machines + report.cutShort;
  if (finding === undefined) return { id, name, outcome: "not found", seconds: null, machines, what: null };
  const mistake = plantedWrong({ oracle: "exception", text: finding.stack ?? "" });
  return mistake !== undefined
    ? { id, name, outcome: "planted wrong", seconds: null, machines, what: mistake }
    : { id, name, outcome: "found", seconds, machines, what: finding.what };
}
