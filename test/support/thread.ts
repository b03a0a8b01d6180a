/** Runs a TypeScript module on a real worker thread; the module finds its data in `workerData.data`. */
import { Worker } from "node:worker_threads";

const BOOT = new URL("../../workers/boot.mjs", import.meta.url);

export interface Thread<Message> {
  /** The next message, in order; rejects when the thread fails or ends without one. */
  next(): Promise<Message>;
  /** Waits for the thread to end by itself; rejects when it failed. */
  ended(): Promise<void>;
  /** Ends it by force: clean-up after a failed test. */
  stop(): Promise<void>;
}

export function startThread<Message>(entry: URL, data: unknown): Thread<Message> {
  const worker = new Worker(BOOT, { workerData: { entry: entry.href, data } });
  const messages: Message[] = [];
  const waiting: { resolve: (message: Message) => void; reject: (reason: Error) => void }[] = [];
  let failure: Error | undefined;
  const exit = new Promise<void>((resolve, reject) => {
    worker.on("message", (message: Message) => {
      const taker = waiting.shift();
      if (taker === undefined) messages.push(message);
      else taker.resolve(message);
    });
    worker.on("error", (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    worker.on("exit", () => {
      for (const taker of waiting.splice(0)) taker.reject(failure ?? new Error("the thread ended"));
      if (failure === undefined) resolve();
      else reject(failure);
    });
  });
  // A failure is reported by whoever asks; nobody asking must not end the test process.
  exit.catch(() => undefined);
  return {
    next: () => {
      const message = messages.shift();
      if (message !== undefined) return Promise.resolve(message);
      return new Promise((resolve, reject) => {
        if (failure !== undefined) reject(failure);
        else waiting.push({ resolve, reject });
      });
    },
    ended: () => exit,
    stop: async () => {
      await worker.terminate();
    },
  };
}
