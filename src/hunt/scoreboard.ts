/** Every planted defect against the hunter: what kills it, in how many schedules and seconds, or that it survives. */
import { type CampaignOptions, campaign } from "./campaign.ts";
import type { Defect, Needs } from "./defect.ts";
import { findScenario } from "./load.ts";

export interface ScoreRow {
  readonly id: string;
  readonly name: string;
  readonly needs: Needs;
  readonly killed: boolean;
  readonly policy: string;
  readonly scenario: string;
  readonly oracle: string;
  readonly schedules: number;
  readonly seconds: number;
  readonly note?: string;
}

/** Each scenario of a defect gets its turn, the likeliest first, until one shows it or the time is gone. */
export async function score(defect: Defect, options: Partial<CampaignOptions>): Promise<ScoreRow> {
  const policy = options.policy ?? "portfolio";
  let schedules = 0;
  let seconds = 0;
  for (const name of defect.scenarios) {
    const result = await campaign(
      { scenario: findScenario(name), defect: defect.id },
      { ...options, policy, seconds: (options.seconds ?? 60) / defect.scenarios.length },
    );
    schedules += result.schedules;
    seconds += result.seconds;
    if (result.finding === undefined) continue;
    return {
      id: defect.id,
      name: defect.name,
      needs: defect.needs,
      killed: true,
      policy,
      scenario: name,
      oracle: result.finding.oracle,
      schedules,
      seconds,
      ...(defect.note !== undefined && { note: defect.note }),
    };
  }
  return {
    id: defect.id,
    name: defect.name,
    needs: defect.needs,
    killed: false,
    policy,
    scenario: defect.scenarios[0] ?? "",
    oracle: "",
    schedules,
    seconds,
    ...(defect.note !== undefined && { note: defect.note }),
  };
}
