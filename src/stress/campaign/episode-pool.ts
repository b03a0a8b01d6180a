/** The threads on which episodes run, each with a machine of its own. */
import { Piscina } from "piscina";
import type { EpisodeReport } from "../episode/run-episode.ts";
import type { Episode } from "../episode/swarm.ts";
import { TASK } from "../modules.ts";

const BOOT = new URL("../../../workers/task.mjs", import.meta.url).href;

export interface EpisodePool {
  run(episode: Episode): Promise<EpisodeReport>;
}

/** Starts the threads for as long as the work takes. */
export async function withPool<T>(threads: number, work: (pool: EpisodePool) => Promise<T>): Promise<T> {
  const pool = new Piscina({
    filename: TASK.endsWith(".ts") ? BOOT : TASK,
    workerData: { entry: TASK },
    maxThreads: threads,
    minThreads: 1,
  });
  try {
    return await work({ run: (episode) => pool.run(episode) as Promise<EpisodeReport> });
  } finally {
    await pool.destroy();
  }
}

/** So many at a time, each again and again until it says false. */
export async function inLanes(lanes: number, turn: () => Promise<boolean>): Promise<void> {
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (await turn());
    }),
  );
}
