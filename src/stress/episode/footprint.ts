/** What this thread holds on to: for slopes that tell a leak from a collector that has not come round yet. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { threadId } from "node:worker_threads";

export interface Footprint {
  readonly thread: number;
  /** JavaScript objects and the buffers that they keep, after a collection. */
  readonly bytes: number;
}

let collect: (() => void) | undefined;

export function footprint(): Footprint {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return { thread: threadId, bytes: heapUsed + external };
}
