/** The block bench's guest on every CPU at once, each with the queues that it has. */
import { defineGuest } from "../../src/guest/define.ts";
import block, { type BlockResult } from "./block.ts";

const BLOCK = new URL("block.ts", import.meta.url);

export default defineGuest(async (guest): Promise<BlockResult> => {
  const begun = performance.now();
  const others = Array.from({ length: guest.cpus - 1 }, (_, at) => guest.runOn(at + 1, BLOCK, guest.args));
  const results = (await Promise.all([block(guest), ...others])) as BlockResult[];
  return {
    ms: performance.now() - begun,
    checksum: results.reduce((sum, { checksum }) => (sum + checksum) >>> 0, 0),
  };
});
