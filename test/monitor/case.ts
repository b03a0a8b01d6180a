import type { Talk, TalkOptions, TypeName } from "./talk.ts";

/** Breaks one statement in an otherwise correct conversation. */
export interface Case {
  readonly id: string;
  readonly type: TypeName;
  readonly options: TalkOptions;
  readonly play: (talk: Talk) => void;
}

export const breaks = (
  id: string,
  play: (talk: Talk) => void,
  options: TalkOptions = {},
  type: TypeName = "rng",
): Case => ({
  id,
  type,
  options,
  play,
});
/** A case maker for one device type. */
export const breaksOf =
  (type: TypeName) =>
  (id: string, play: (talk: Talk) => void, options: TalkOptions = {}): Case =>
    breaks(id, play, options, type);

export const bits = (...numbers: number[]): number =>
  numbers.reduce((mask, bit) => mask | (1 << bit), 0) >>> 0;
/** Offers and accepts the same features. */
export const agreed = (...numbers: number[]): TalkOptions => ({
  offer: bits(...numbers),
  accept: bits(...numbers),
});
export const le = (bytes: number, value: number): number[] =>
  Array.from({ length: bytes }, (_, byte) => Math.floor(value / 256 ** byte) & 0xff);
export const EVENT_IDX = 29;
export const INDIRECT = 28;
