/** The threads on which episodes run, each with a machine of its own. */
import { withPool } from "../../machine/pool.ts";
import { allocateShared } from "../../memory/attach.ts";
import { LiveMemory } from "../../memory/live-memory.ts";
import type { EpisodeReport, EpisodeTask } from "../episode/run-episode.ts";
import type { Episode } from "../episode/swarm.ts";
import { TASK } from "../modules.ts";

export interface EpisodePool {
  /** An episode that takes longer than `limitMs`, or is aborted, is ended at once, and reported as cut short. */
  run(
    episode: Episode,
    limit?: { readonly limitMs?: number; readonly signal?: AbortSignal },
  ): Promise<EpisodeReport>;
}

export const withEpisodePool = <T>(threads: number, work: (pool: EpisodePool) => Promise<T>): Promise<T> =>
  withPool<EpisodeTask, EpisodeReport, T>(TASK, threads, (run) =>
    work({
      async run(episode, { limitMs = Number.POSITIVE_INFINITY, signal } = {}) {
        const buffer = allocateShared(4);
        const cut = new LiveMemory(buffer);
        const ring = () => {
          cut.store32(0, 1, 0);
          cut.notify32(0, 0);
        };
        if (signal?.aborted) ring();
        signal?.addEventListener("abort", ring);
        try {
          return await run({ episode, limitMs, cut: buffer });
        } finally {
          signal?.removeEventListener("abort", ring);
        }
      },
    }),
  );
