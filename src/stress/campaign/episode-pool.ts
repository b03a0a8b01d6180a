/** The threads on which episodes run, each with a machine of its own. */
import { withPool } from "../../machine/pool.ts";
import type { EpisodeReport } from "../episode/run-episode.ts";
import type { Episode } from "../episode/swarm.ts";
import { TASK } from "../modules.ts";

export interface EpisodePool {
  run(episode: Episode): Promise<EpisodeReport>;
}

export const withEpisodePool = <T>(threads: number, work: (pool: EpisodePool) => Promise<T>): Promise<T> =>
  withPool<Episode, EpisodeReport, T>(TASK, threads, (run) => work({ run }));
