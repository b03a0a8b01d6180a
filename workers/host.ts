/** The host worker's entry. */
import { serveControl } from "../src/machine/control.ts";
import { createHostSide } from "../src/machine/host-side.ts";

await serveControl(createHostSide);
