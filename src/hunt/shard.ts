/** Parts of a campaign, for machines that share it. */

/** Executions i, i + n, i + 2n… of those that there are. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Shard = { index: 0, of: 1 };

/** As on the command line: "2/3"; null: all of it. */
export const shardWord = ({ index, of }: Shard): string | null => (of === 1 ? null : `${index + 1}/${of}`);

/** Undefined: not a part of something. */
export function parseShard(word: string): Shard | undefined {
  const [, part = 0, of = 0] = (/^(\d+)\/(\d+)$/.exec(word) ?? []).map(Number);
  return part >= 1 && part <= of && Number.isSafeInteger(of) ? { index: part - 1, of } : undefined;
}

/** What several parts are: null if they are all of it, else their words, "1/3,2/3". */
export function togetherWord(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return null;
  const words = [...new Set([...a.split(","), ...b.split(",")])].sort();
  const parts = new Map<string, number>();
  for (const of of words.map((word) => word.split("/")[1] ?? "")) parts.set(of, (parts.get(of) ?? 0) + 1);
  return [...parts].some(([of, count]) => count === Number(of)) ? null : words.join(",");
}
