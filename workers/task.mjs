// Entry of a pool's threads while the sources run as TypeScript: registers the loader, then hands on the real task.
import { workerData } from "piscina";
import { register } from "tsx/esm/api";

register();
const { default: task } = await import(workerData.entry);
export default task;
