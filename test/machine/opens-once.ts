/** A device that opens once: where its mark is already, it never does. */
import { existsSync, writeFileSync } from "node:fs";
import { type DeviceModel, defineDevice } from "../../src/host/index.ts";

export default defineDevice({
  name: "opens-once",
  virtioId: 4,
  summary: "opens once",
  options: { mark: { type: "string", help: "path of a file" } },
  create({ mark }): DeviceModel | Promise<never> {
    if (existsSync(String(mark))) return new Promise(() => {});
    writeFileSync(String(mark), "");
    return { features: 0, queues: [{ name: "requests" }], queueNotified() {} };
  },
});
