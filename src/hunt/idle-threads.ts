/**
 * The threads that hunters run on. To start one takes longer than most proofs, so a thread that a hunter has done with
 * waits a moment for the next hunter that needs the same modules.
 */
import { setFlagsFromString } from "node:v8";
import type { Worker } from "node:worker_threads";
import { startThread } from "../machine/thread.ts";

/**
 * Each execution makes a machine and leaves it behind. What is dead costs a collector nothing, so it should run seldom:
 * at 16 MB it took a third of the time.
 */
const YOUNG_MB = 128;
/**
 * The engine puts objects of which many survived a collection among the old ones from then on. A dead machine there keeps
 * the young parts that it points to, more survive, and a third of the time goes by copying what nobody needs.
 */
const KEEP_THEM_YOUNG = "--no-allocation-site-pretenuring";
/** Nobody changes a module, and hunts again, in less. */
const IDLE_MS = 500;

interface Idle {
  readonly worker: Worker;
  readonly file: string | null;
  readonly timer: NodeJS.Timeout;
}

const idle = new Set<Idle>();

/** A thread that has loaded a user's module, or none. */
export function takeThread(file: string | null): Worker {
  for (const each of idle) {
    if (each.file !== file) continue;
    clearTimeout(each.timer);
    idle.delete(each);
    each.worker.ref();
    return each.worker;
  }
  setFlagsFromString(KEEP_THEM_YOUNG);
  const worker = startThread("hunt", { file }, [], { maxYoungGenerationSizeMb: YOUNG_MB });
  worker.once("exit", () => {
    for (const each of idle) if (each.worker === worker) idle.delete(each);
  });
  return worker;
}

/** It must have nothing to do. It keeps no process alive. */
export function returnThread(worker: Worker, file: string | null): void {
  const end = (): void => {
    idle.delete(entry);
    void worker.terminate();
  };
  const entry: Idle = { worker, file, timer: setTimeout(end, IDLE_MS).unref() };
  worker.unref();
  idle.add(entry);
}
