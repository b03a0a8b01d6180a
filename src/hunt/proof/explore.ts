/** Schedules of all kinds, each held against the definition of a data race: for scenarios too large to prove. */
import { type CampaignOptions, type CampaignResult, runCampaign } from "../campaign.ts";
import { Hunter, type HuntTarget } from "../hunter.ts";
import { ownLane } from "../lanes.ts";
import type { Scenario } from "../scenario.ts";
import { targetOf, type WrittenDown, writeDown } from "./prove.ts";

export type Exploration = CampaignResult & Partial<WrittenDown>;

export async function explore(
  subject: Scenario | HuntTarget,
  options: Partial<CampaignOptions> = {},
): Promise<Exploration> {
  const hunter = await Hunter.start({ ...targetOf(subject), races: true });
  try {
    const result = await runCampaign([ownLane(hunter)], options);
    return result.finding === undefined
      ? result
      : { ...result, ...(await writeDown(hunter, { log: result.log, races: true })) };
  } finally {
    await hunter.close();
  }
}
