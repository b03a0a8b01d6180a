// Entry of every worker while the sources run as TypeScript: Node 20 does not hand `--import tsx` on to worker
// threads, so the loader is registered here before the real entry is imported.
import { workerData } from "node:worker_threads";
import { register } from "tsx/esm/api";

register();
await import(workerData.entry);
