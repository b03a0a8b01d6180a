/** Ctrl-C in a command that has something to say even when it is not let finish. */
import { EXIT } from "./exit-codes.ts";

/**
 * Ctrl-C asks for an end: what is known by then is reported, and the exit code says that it was interrupted unless the
 * report says worse. A second Ctrl-C does not wait.
 */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const stop = new AbortController();
  const others = process.listeners("SIGINT");
  const restore = (): void => {
    process.off("SIGINT", interrupt);
    for (const each of others) process.on("SIGINT", each);
  };
  const interrupt = (): void => {
    stop.abort();
    restore();
  };
  process.removeAllListeners("SIGINT");
  process.on("SIGINT", interrupt);
  try {
    const code = await work(stop.signal);
    const worse = code === EXIT.finding || code === EXIT.failure;
    return stop.signal.aborted && !worse ? EXIT.interrupted : code;
  } finally {
    if (!stop.signal.aborted) restore();
  }
}
