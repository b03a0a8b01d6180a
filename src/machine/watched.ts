/** Whether somebody watches this worker. What watches is loaded only then: others are as if there were nothing of it. */
import type { SharedParts } from "./protocol.ts";
import type { Watch, Watched } from "./watch.ts";

/** Call before anything is attached. */
export async function watchIfWanted(parts: SharedParts, watched: Watched): Promise<Watch | undefined> {
  if (!parts.spec.watch.monitor && watched.events === undefined) return undefined;
  const { startWatch } = await import("./watch.ts");
  return startWatch(parts, watched);
}
