/** What the numbers of a campaign's executions mean something under: to go on with it, and to say how. */

import { UsageError } from "../host/device.ts";
import {
  CAMPAIGN_DEFAULTS,
  type CampaignOptions,
  type CampaignResult,
  EXECUTIONS_MAX,
} from "../hunt/campaign.ts";
import type { CampaignReport } from "../hunt/campaign-report.ts";
import type { HuntTarget } from "../hunt/hunter.ts";
import { DEPTH_FIRST, PORTFOLIO } from "../hunt/policies/index.ts";
import { parseShard, type Shard, shardWord, WHOLE } from "../hunt/shard.ts";

/** Where the target's campaign of an earlier report ended; undefined: it had not begun. */
export function resumed(
  { campaigns }: CampaignReport,
  { scenario: { name, spuriousMost: spurious = 0 }, defect }: HuntTarget,
  { policy, seed, shard }: Pick<CampaignOptions, "policy" | "seed" | "shard">,
): number | undefined {
  const own = campaigns.filter((each) => each.scenario === name && each.defect === (defect ?? null));
  const asked = numbering({ policy, seed, shard: shardWord(shard), spurious });
  const found = own.find((each) => numbering(each) === asked);
  if (found === undefined && own.length > 0) {
    const alone = own.filter((each) => partOf(each) !== undefined);
    if (alone.length === 0)
      throw new UsageError(
        `--resume: ${name} was put together of the shards ${own[0]?.shard}, which cannot be gone on with as one; give the report of one shard`,
      );
    const others = alone.map(numbering).join(", and with ");
    throw new UsageError(`--resume: ${name} was hunted with ${others}; expected one of these, got ${asked}`);
  }
  return found?.next;
}

/** What a number of an execution means something under. */
const numbering = ({ policy, seed, ...rest }: Numbered): string =>
  [`--policy ${policy} --seed ${seed}`, ...partAndMoves(rest)].join(" ");

type Numbered = Pick<CampaignResult, "policy" | "seed" | "shard" | "spurious">;

const partAndMoves = ({ shard, spurious }: Pick<Numbered, "shard" | "spurious">): string[] => [
  ...(shard === null ? [] : [`--shard ${shard}`]),
  ...(spurious === 0 ? [] : [`--spurious ${spurious}`]),
];

/** Undefined: several of them, put together. */
const partOf = ({ shard }: Pick<CampaignResult, "shard">): Shard | undefined =>
  shard === null ? WHOLE : parseShard(shard);

/** The options that go on with a campaign; empty: nothing is left, or it is not one that can be gone on with. */
export function goOn(result: CampaignResult): string {
  const { policy, seed, next, exhausted } = result;
  const part = partOf(result);
  // Depth-first search begins anew; of several parts, each goes on by itself.
  if (exhausted || policy === DEPTH_FIRST || part === undefined || next + part.index >= EXECUTIONS_MAX)
    return "";
  return [
    `--from ${next}`,
    ...(policy === PORTFOLIO ? [] : [`--policy ${policy}`]),
    ...(seed === CAMPAIGN_DEFAULTS.seed ? [] : [`--seed ${seed}`]),
    ...partAndMoves(result),
  ].join(" ");
}
