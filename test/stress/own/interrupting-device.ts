/** A device that presses Ctrl-C as soon as there is one. */
import { type DeviceDefinition, defineDevice } from "../../../src/host/index.ts";
import upper from "./upper-device.ts";

const create: DeviceDefinition["create"] = (...context) => {
  process.emit("SIGINT");
  return upper.create(...context);
};

export default defineDevice({ ...upper, name: "interrupting", create });
