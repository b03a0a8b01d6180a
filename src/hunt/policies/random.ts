/** Uniform random walk: before each access every actor that can move is equally likely to. */
import { countBits, drawBelow } from "../state.ts";
import type { Policy } from "./policy.ts";

export const random: Policy = {
  name: "random",
  summary: "uniform choice at every access",
  begin() {},
  choose(words, enabled) {
    let skip = drawBelow(words, countBits(enabled));
    for (; skip > 0; skip--) enabled &= enabled - 1;
    return 31 - Math.clz32(enabled & -enabled);
  },
  draw: drawBelow,
};
