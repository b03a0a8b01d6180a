/** A pool of threads for tasks that are data: a module's default function, called with each. */
import { Piscina } from "piscina";

const BOOT = new URL("../../workers/task.mjs", import.meta.url).href;

/** Starts the threads for as long as the work takes; `entry` is the address of the task's module. */
export async function withPool<Task, Result, T>(
  entry: string,
  threads: number,
  work: (run: (task: Task) => Promise<Result>) => Promise<T>,
): Promise<T> {
  const pool = new Piscina({
    filename: entry.endsWith(".ts") ? BOOT : entry,
    workerData: { entry },
    minThreads: threads,
    maxThreads: threads,
  });
  try {
    return await work((task) => pool.run(task) as Promise<Result>);
  } finally {
    await pool.destroy();
  }
}

/** All lanes at once, each again and again until it says false. */
export async function inLanes<Lane>(
  lanes: readonly Lane[],
  turn: (lane: Lane) => Promise<boolean>,
): Promise<void> {
  await Promise.all(
    lanes.map(async (lane) => {
      while (await turn(lane));
    }),
  );
}

/** So many lanes that are all alike. */
export const numbered = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);
