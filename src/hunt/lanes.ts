/**
 * Hunters side by side: the first is the caller's, the others each have a thread of a pool. Of a hunter's threads only one
 * moves at a time, but the others wait for it awake where there are cores to spare: so two cores are well used by one
 * hunter, and a machine with more has room for several.
 */
import { availableParallelism } from "node:os";
import { numbered, withPool } from "../machine/pool.ts";
import { type Batch, HuntBrokenError, type Hunter, type HuntRequest, type HuntTarget } from "./hunter.ts";
import type { LaneReply, LaneTask } from "./lane-task.ts";

/** A place where batches are run. */
export interface Lane {
  readonly target: HuntTarget;
  /** Resolves when it has threads to run on. */
  ready(): Promise<void>;
  run(request: HuntRequest): Promise<Batch>;
  /** Asks for the running batch to end soon; no lane but the first one hears it. */
  stop(): void;
}

/** Those who wait for its next ring go on. */
export class Bell {
  #waiting: (() => void)[] = [];

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  ring(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export interface LanePool {
  /** All lanes for a hunter's target, its own first. */
  lanes(hunter: Hunter): readonly Lane[];
}

const TASK = new URL(`./lane-task.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url).href;

/** So many hunters at once, for as long as the work takes. */
export async function withLanes<T>(jobs: number, work: (pool: LanePool) => Promise<T>): Promise<T> {
  if (jobs === 1) return await work({ lanes: (hunter) => [ownLane(hunter)] });
  return await withPool<LaneTask, LaneReply, T>(TASK, jobs - 1, (run) =>
    work({
      lanes(hunter) {
        const crowded = jobs * hunter.threads > availableParallelism();
        const others = numbered(jobs - 1).map(() => pooled(hunter, crowded, run));
        return [ownLane(hunter, crowded), ...others];
      },
    }),
  );
}

/** The lane of the caller's own hunter. */
export const ownLane = (hunter: Hunter, crowded = false): Lane => ({
  target: hunter.target,
  ready: async () => {},
  run: (request) => hunter.run({ ...request, crowded }),
  stop: () => hunter.stop(),
});

function pooled({ target }: Hunter, crowded: boolean, run: (task: LaneTask) => Promise<LaneReply>): Lane {
  const named = { ...target, scenario: target.scenario.name };
  const ask = async (request?: HuntRequest): Promise<Batch | undefined> => {
    const reply = await run({ target: named, ...(request !== undefined && { request }) });
    if ("broken" in reply) throw new HuntBrokenError(reply.broken);
    return reply.batch;
  };
  let asked: Promise<unknown> | undefined;
  return {
    target,
    async ready() {
      asked ??= ask();
      await asked;
    },
    run: async (request) => {
      const batch = await ask({ ...request, crowded });
      if (batch === undefined) throw new Error("a pool's thread ran no batch");
      return batch;
    },
    stop: () => {},
  };
}
