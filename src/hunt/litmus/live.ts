/**
 * Lectures on real threads, unscheduled: a shape again and again, all its threads let go together each time, and the
 * outcomes counted. What is never seen here is not thereby impossible; what the language forbids and is seen would be
 * a fault of the engine.
 */
import { once } from "node:events";
import { startThread } from "../../machine/thread.ts";
import { allocateShared, type SharedBuffer } from "../../memory/attach.ts";
import type { Lecture } from "./lectures.ts";

export interface LiveResult {
  readonly times: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** What a thread is started with. */
export interface LiveLitmus {
  readonly lecture: number;
  readonly twin: boolean;
  readonly thread: number;
  readonly words: SharedBuffer;
  readonly barrier: SharedBuffer;
  readonly seconds: number;
}

/** Shapes that are run before outcomes are counted; each on a cache line of its own. */
export const BATCH = 256;
export const STRIDE = 64;

/** Rejects with an AbortError if it is aborted: what was counted until then is the threads' own. */
export async function runLive(
  lecture: Lecture,
  twin: boolean,
  seconds: number,
  signal?: AbortSignal,
): Promise<LiveResult> {
  const names = Object.keys((twin ? lecture.twin : lecture.good).threads);
  const shared = { words: allocateShared(BATCH * STRIDE), barrier: allocateShared(8) };
  const workers = names.map((_, thread) => {
    const data: LiveLitmus = { lecture: lecture.number, twin, thread, seconds, ...shared };
    return startThread("litmus", { ...data });
  });
  try {
    const said = await Promise.all(
      workers.map((worker) => once(worker, "message", { signal }) as Promise<[LiveResult]>),
    );
    return said[0]?.[0] ?? { times: 0, outcomes: {} };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
