/** One thread of a shape that runs live. The first one clears and counts, while the others wait. */
import { parentPort, workerData } from "node:worker_threads";
import { Barrier, liveAtomics, liveWords } from "../../memory/live-words.ts";
import { LECTURES, registers, SHAPE_WORDS } from "./lectures.ts";
import { BATCH, type LiveLitmus, type LiveResult, STRIDE } from "./live.ts";

export function runShape(): void {
  const data = workerData as LiveLitmus;
  const lecture = LECTURES.find(({ number }) => number === data.lecture);
  const threads = Object.values((data.twin ? lecture?.twin : lecture?.good)?.threads ?? {});
  const body = threads[data.thread];
  if (body === undefined) throw new Error(`lecture ${data.lecture} has no thread ${data.thread}`);
  // The last word of the barrier's buffer says when it is over.
  const [control] = liveWords(data.barrier, 1, 2, 8);
  const barrier = new Barrier(data.barrier, threads.length);
  const shapes = liveWords(data.words, BATCH, SHAPE_WORDS, STRIDE).map((words) => ({
    ...words,
    atomics: liveAtomics,
  }));
  const outcomes: Record<string, number> = {};
  let times = 0;
  const deadline = performance.now() + 1000 * data.seconds;
  for (;;) {
    barrier.meet();
    if (control?.words[1] !== 0) break;
    for (const shape of shapes) {
      barrier.meet();
      body(shape);
    }
    barrier.meet();
    if (data.thread > 0) continue;
    for (const { words } of shapes) {
      const outcome = registers(words);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      words.fill(0);
    }
    times += shapes.length;
    // Before the barrier that everybody meets at next: they see it there.
    if (performance.now() > deadline && control !== undefined) control.words[1] = 1;
  }
  const result: LiveResult = { times, outcomes };
  parentPort?.postMessage(result);
}
