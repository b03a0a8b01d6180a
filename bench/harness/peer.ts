/**
 * The other thread of a bench. It answers one message at a time; a shared word tells when it is about to start, so that
 * no round includes the time that a message takes.
 */
import { once } from "node:events";
import { parentPort, type Worker, workerData } from "node:worker_threads";
import { startThreadAt } from "../../src/machine/thread.ts";

const READY = "ready";

export class Peer {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Starts the module at `entry`; its `servePeer` is given `data`. */
  static async start(entry: URL, data: Record<string, unknown> = {}): Promise<Peer> {
    const worker = startThreadAt(entry, `bench ${entry.pathname.split("/").at(-1)}`, { data });
    // Our own bug: its stack, and no result.
    worker.on("error", (error) => {
      throw error;
    });
    const peer = new Peer(worker);
    await peer.answer();
    return peer;
  }

  tell(message: unknown): void {
    this.#worker.postMessage(message);
  }

  async answer<Answer>(): Promise<Answer> {
    const [answer] = await once(this.#worker, "message");
    return answer as Answer;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** In the peer: handles each message, and answers with what the handler returns. */
export function servePeer<Data, Message>(start: (data: Data) => (message: Message) => unknown): void {
  const handle = start(workerData.data as Data);
  parentPort?.on("message", (message: Message) => parentPort?.postMessage(handle(message)));
  parentPort?.postMessage(READY);
}
