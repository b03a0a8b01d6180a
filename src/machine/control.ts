/** The control plane: each worker exposes one service over Comlink; a worker that dies fails every call at once. */
import type { TransferListItem, Worker } from "node:worker_threads";
import { parentPort, workerData } from "node:worker_threads";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { startThread } from "./thread.ts";

/** At the worker's end: builds the side from workerData (the `parts` that `Side` was given) and serves it. */
export async function serveControl<Parts>(create: (parts: Parts) => object | Promise<object>): Promise<void> {
  if (parentPort === null) throw new Error("this is a worker's entry; start it with virtlab");
  Comlink.expose(await create(workerData as Parts), nodeEndpoint(parentPort));
  parentPort.postMessage(READY);
}

const READY = { virtlab: "ready" };
const isReady = (message: unknown): boolean => (message as typeof READY | null)?.virtlab === READY.virtlab;

/** In a worker: something that is to be known to the main thread also if this worker is killed next. */
export function tellMain(news: unknown): void {
  parentPort?.postMessage({ virtlab: "news", news } satisfies News);
}

interface News {
  readonly virtlab: "news";
  readonly news: unknown;
}
const isNews = (message: unknown): message is News => (message as News | null)?.virtlab === "news";

/** Why a worker is gone. */
export class WorkerGoneError extends Error {
  override readonly name = "WorkerGoneError";
  readonly side: string;

  constructor(side: string, cause: Error) {
    super(`the ${side} worker ended: ${cause.message}`);
    this.side = side;
    this.stack = cause.stack ?? this.message;
  }
}

export type Hear = (news: never) => void;

/** The main thread's end of one worker. */
export class Side<Service> {
  readonly name: string;
  readonly service: Comlink.Remote<Service>;
  /** Rejects when the worker dies; never resolves. */
  readonly gone: Promise<never>;
  readonly #worker: Worker;

  /** `entry` names the worker's entry, where that is not its own name; `hear` gets what it tells (`tellMain`). */
  constructor(
    name: string,
    parts: object,
    {
      entry = name,
      transfer,
      hear,
    }: { entry?: string; transfer?: readonly TransferListItem[]; hear?: Hear } = {},
  ) {
    this.name = name;
    this.#worker = startThread(entry, { ...parts }, transfer);
    if (hear !== undefined)
      this.#worker.on("message", (message) => {
        if (isNews(message)) hear(message.news as never);
      });
    this.service = Comlink.wrap<Service>(nodeEndpoint(this.#worker));
    this.gone = new Promise((_, reject) => {
      this.#worker.once("error", (error) => reject(new WorkerGoneError(name, error as Error)));
      this.#worker.once("exit", (code) => reject(new WorkerGoneError(name, new Error(`exit code ${code}`))));
    });
    this.gone.catch(() => undefined);
  }

  /** Resolves when the worker's code is loaded and the service answers. */
  get ready(): Promise<void> {
    return new Promise((resolve) => {
      const listen = (message: unknown) => {
        if (!isReady(message)) return;
        this.#worker.off("message", listen);
        resolve();
      };
      this.#worker.on("message", listen);
    });
  }

  /** What it told before is heard by then. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
