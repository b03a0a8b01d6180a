// Entry of every worker while the sources run as TypeScript.
import "./typescript.mjs";
import { workerData } from "node:worker_threads";

await import(workerData.entry);
