// Entry of a pool's threads while the sources run as TypeScript: hands on the real task.
import "./typescript.mjs";
import { workerData } from "piscina";

const { default: task } = await import(workerData.entry);
export default task;
