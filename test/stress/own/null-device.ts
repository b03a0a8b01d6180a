import { defineDevice } from "../../../src/host/index.ts";
import upper from "./upper-device.ts";

export default defineDevice({ ...upper, create: () => null as never });
