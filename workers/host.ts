/** The host worker's entry. */
import { serveControl } from "../src/machine/control.ts";
import { createHostSide } from "../src/machine/host-side.ts";
import { prepared } from "../src/machine/prepare.ts";

await serveControl(prepared("host", createHostSide));
