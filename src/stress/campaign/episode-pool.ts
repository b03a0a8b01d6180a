/** The threads on which episodes run, each with a machine of its own, and the folder that they keep their files in. */
import { withPool } from "../../machine/pool.ts";
import { TemporaryFolder } from "../../machine/temporary-folder.ts";
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

/** A failure of our own: what threw instead of reporting, and the machine of that seed. */
export interface EpisodeFailure {
  readonly seed: number;
  readonly what: string;
  readonly detail: string;
}

export function failureIn(seed: number, error: unknown): EpisodeFailure {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { seed, what: message, detail: stack ?? message };
}

export async function withEpisodePool<T>(
  threads: number,
  work: (pool: EpisodePool) => Promise<T>,
): Promise<T> {
  // Of this thread: when the process ends in a hurry, the pool's threads have no say any more.
  const folder = new TemporaryFolder("virtlab-stress");
  try {
    return await withPool<EpisodeTask, EpisodeReport, T>(TASK, threads, (run) =>
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
            return await run({ episode, limitMs, cut: buffer, folder: folder.path });
          } finally {
            signal?.removeEventListener("abort", ring);
          }
        },
      }),
    );
  } finally {
    folder.remove();
  }
}
