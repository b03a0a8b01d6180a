/** Computes for as long as it is told, and takes no interrupt meanwhile; says on a broadcast channel when it begins. */
import { defineGuest } from "../../src/guest/define.ts";

export default defineGuest(async ({ args }) => {
  const { channel: name, ms } = args as { channel: string; ms: number };
  const channel = new BroadcastChannel(name);
  channel.postMessage("busy");
  for (const begun = performance.now(); performance.now() - begun < ms; );
  channel.close();
});
