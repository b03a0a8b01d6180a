/** How a request may end without being a finding. */
import { expect, test } from "vitest";
import { CancelledError } from "../../../src/drivers/index.ts";
import { OutOfMemoryError } from "../../../src/guest/index.ts";
import { tolerates } from "../../../src/stress/episode/mounts.ts";
import { type Episode, episode } from "../../../src/stress/episode/swarm.ts";

const SEEDS = 300;
const shortage = new OutOfMemoryError("no room");
const takesMemory = ({ weights }: Episode) => weights.pressure > 0;
const balloonMoves = ({ devices, deeds }: Episode) =>
  deeds.change > 0 && devices.some(({ type }) => type === "balloon");

test("want of memory is tolerated where the guest or a balloon may take it, and only there", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const drawn = episode(seed);
    const why = [takesMemory(drawn), balloonMoves(drawn)];
    seen.add(why.join());
    expect(tolerates(drawn, shortage)).toBe(why.includes(true));
    // What only sounds like it is something else.
    expect(tolerates(drawn, new Error("no guest memory"))).toBe(false);
    expect(tolerates(drawn, new CancelledError("a reset"))).toBe(true);
    expect(tolerates({ ...drawn, plants: { fault: "lost-write" } }, shortage)).toBe(false);
  }
  expect(seen.size).toBe(4);
});
