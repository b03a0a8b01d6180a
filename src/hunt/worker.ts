/** The thread's end of the conversation with the hunter: load a scenario and a defect, run batches. */
import { parentPort, workerData } from "node:worker_threads";
import { moduleUrl, prepareImport } from "../machine/thread.ts";
import { takeGlobalNames } from "../memory/stand-ins/index.ts";
import { plant } from "./defect.ts";
import { findDefect, findScenario, loadHuntModule } from "./load.ts";
import { type BatchRequest, type BatchResult, HuntThread, type ThreadSetup } from "./thread.ts";

/** What the threads of one hunter are started with. */
export interface HuntWorkerData extends ThreadSetup {
  readonly scenario: string;
  readonly defect: string | null;
  /** A module with scenarios or defects of the user's. */
  readonly file: string | null;
}

export type HuntReply =
  | { readonly type: "ready" }
  | { readonly type: "result"; readonly result: BatchResult }
  | { readonly type: "failed"; readonly message: string };

export async function serveHunt(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("this is a worker's entry; start it with virtlab hunt");
  const reply = (message: HuntReply): void => port.postMessage(message);
  try {
    const data = workerData as HuntWorkerData;
    // Before the user's modules are loaded, so that they and all that they load get the watched kind.
    // The engine's own loader is set up before, with the real ones.
    if (data.file !== null) {
      await prepareImport(moduleUrl(data.file));
      takeGlobalNames();
    }
    const own = data.file === null ? { defects: [], scenarios: [] } : await loadHuntModule(data.file);
    const scenario = findScenario(data.scenario, own.scenarios);
    if (data.defect !== null) {
      const planted = own.defects.find(({ id }) => id === data.defect) ?? findDefect(data.defect);
      plant(planted);
    }
    const thread = new HuntThread(data, scenario);
    port.on("message", (request: BatchRequest) => {
      void thread.runBatch(request).then((result) => reply({ type: "result", result }));
    });
    reply({ type: "ready" });
  } catch (error) {
    reply({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}
