/** Every planted defect against the hunter: what kills it, in how many schedules and seconds, or that it survives. */
import { inLanes, numbered } from "../machine/pool.ts";
import { type CampaignOptions, type CampaignResult, campaign } from "./campaign.ts";
import type { Defect, Needs } from "./defect.ts";
import { findScenario } from "./load.ts";
import type { Finding } from "./thread.ts";

export interface ScoreRow {
  readonly id: string;
  readonly name: string;
  readonly needs: Needs;
  /** Shown by what it does, not by a mistake in its own code. */
  readonly killed: boolean;
  readonly policy: string;
  readonly scenario: string;
  readonly oracle: string;
  readonly schedules: number;
  readonly seconds: number;
  /** The defect's: why it cannot be planted yet, or in which form it was. */
  readonly note: string | null;
  /** What its own code threw, so that nothing is known of the bug; a failure of ours. */
  readonly broken: string | null;
}

const MISTAKE = /^(TypeError|ReferenceError)\b|^RangeError: Maximum call stack size exceeded/;
const FRAME = /^\s+at /;
/** Of a builtin, or of Node: whoever called it made the mistake. */
const BUILTIN = /<anonymous>\)?$|\(native\)$|[\s(]node:/;
const IN_DEFECT = /[\\/]hunt[\\/]defects[\\/]/;

/** The exception of a defect that was planted wrong, if a finding is one: thrown by its own code, not because of it. */
export function plantedWrong({ oracle, text }: Pick<Finding, "oracle" | "text">): string | undefined {
  const [what = "", ...frames] = text.split("\n");
  const thrower = frames.find((line) => FRAME.test(line) && !BUILTIN.test(line)) ?? "";
  return oracle === "exception" && MISTAKE.test(what) && IN_DEFECT.test(thrower) ? what : undefined;
}

/** Of each defect, for all of its scenarios together. */
const SECONDS = 60;

/** One defect under one policy. */
interface Game {
  readonly defect: Defect;
  readonly policy: string;
}

/** Each defect under each policy. An abort leaves out those that are not decided by then. */
export async function scoreAll(
  defects: readonly Defect[],
  policies: readonly string[],
  options: Partial<CampaignOptions>,
  { jobs, signal, onRow }: { jobs: number; signal?: AbortSignal; onRow?: (row: ScoreRow) => void },
): Promise<ScoreRow[]> {
  const games: Game[] = defects.flatMap((defect) => policies.map((policy) => ({ defect, policy })));
  const rows: (ScoreRow | undefined)[] = [];
  let next = 0;
  await inLanes(numbered(jobs), async () => {
    const place = next++;
    const game = games[place];
    if (game === undefined || signal?.aborted) return false;
    const row = await score(game, options, signal);
    rows[place] = row;
    if (row !== undefined) onRow?.(row);
    return true;
  });
  return rows.filter((row) => row !== undefined);
}

/** Each scenario of a defect gets its turn, the likeliest first, until one shows it or the time is gone. */
async function score(
  { defect, policy }: Game,
  options: Partial<CampaignOptions>,
  signal: AbortSignal | undefined,
): Promise<ScoreRow | undefined> {
  const { id, name, needs, scenarios, note } = defect;
  const seconds = (options.seconds ?? SECONDS) / scenarios.length;
  const spent = { schedules: 0, seconds: 0 };
  let shown: CampaignResult | undefined;
  for (const each of scenarios) {
    const target = { scenario: findScenario(each), defect: id };
    const result = await campaign(target, { ...options, policy, seconds }, undefined, signal);
    spent.schedules += result.schedules;
    spent.seconds += result.seconds;
    if (result.finding !== undefined) {
      shown = result;
      break;
    }
    if (signal?.aborted) return undefined;
  }
  const broken = shown?.finding && plantedWrong(shown.finding);
  return {
    ...{ id, name, needs, policy },
    killed: shown !== undefined && broken === undefined,
    scenario: shown?.scenario ?? scenarios[0] ?? "",
    oracle: shown?.finding?.oracle ?? "",
    ...spent,
    note: note ?? null,
    broken: broken ?? null,
  };
}
