/** The thread's end of the conversation with the hunter: load a scenario and a defect, run batches. */
import { parentPort, workerData } from "node:worker_threads";
import { moduleUrl, prepareImport } from "../machine/thread.ts";
import { takeGlobalNames } from "../memory/stand-ins/index.ts";
import { plant } from "./defect.ts";
import { findDefect, findScenario, type HuntModule, loadHuntModule } from "./load.ts";
import { withSpurious } from "./spurious.ts";
import { type BatchRequest, type BatchResult, HuntThread, type ThreadSetup } from "./thread.ts";

/** What a thread is started with. */
export interface HuntWorkerData {
  /** A module with scenarios or defects of the user's. */
  readonly file: string | null;
}

/** What each hunter tells its threads first. */
export interface HuntSetup extends ThreadSetup {
  readonly scenario: string;
  readonly defect: string | null;
  /** Spurious moves of an execution. */
  readonly spurious: number;
}

export type HuntMessage =
  | { readonly type: "setup"; readonly setup: HuntSetup }
  | { readonly type: "batch"; readonly request: BatchRequest };

export type HuntReply =
  | { readonly type: "ready" }
  | { readonly type: "result"; readonly result: BatchResult }
  | { readonly type: "failed"; readonly message: string };

export function serveHunt(): void {
  const port = parentPort;
  if (port === null) throw new Error("this is a worker's entry; start it with virtlab hunt");
  const served = new ServedThread(workerData as HuntWorkerData);
  port.on("message", (message: HuntMessage) => {
    void served.answer(message).then((reply: HuntReply) => port.postMessage(reply));
  });
}

class ServedThread {
  readonly #own: Promise<HuntModule>;
  #unplant = (): void => {};
  #thread: HuntThread | undefined;

  constructor({ file }: HuntWorkerData) {
    this.#own = loadOwn(file);
    this.#own.catch(() => {}); // Whoever asks is told.
  }

  async answer(message: HuntMessage): Promise<HuntReply> {
    if (message.type === "batch") return await this.#run(message.request);
    try {
      await this.#setUp(message.setup);
      return { type: "ready" };
    } catch (error) {
      return { type: "failed", message: error instanceof Error ? error.message : String(error) };
    }
  }

  async #run(request: BatchRequest): Promise<HuntReply> {
    if (this.#thread === undefined) throw new Error("a batch before its scenario");
    return { type: "result", result: await this.#thread.runBatch(request) };
  }

  async #setUp({ scenario: name, defect, spurious, ...setup }: HuntSetup): Promise<void> {
    const own = await this.#own;
    this.#unplant();
    this.#unplant = () => {};
    const scenario = withSpurious(findScenario(name, own.scenarios), spurious);
    if (defect !== null) {
      this.#unplant = plant(own.defects.find(({ id }) => id === defect) ?? findDefect(defect));
    }
    this.#thread = new HuntThread(setup, scenario);
  }
}

/**
 * Before the user's modules are loaded the stand-ins take the globals' place, so that they and all that they load get
 * the watched kind. The engine's own loader is set up before, with the real ones.
 */
async function loadOwn(file: string | null): Promise<HuntModule> {
  if (file === null) return { defects: [], scenarios: [] };
  await prepareImport(moduleUrl(file));
  takeGlobalNames();
  return await loadHuntModule(file);
}
