/** The guest worker's entry. */
import { serveControl } from "../src/machine/control.ts";
import { createGuestSide } from "../src/machine/guest-side.ts";
import { prepared } from "../src/machine/prepare.ts";

await serveControl(prepared("guest", createGuestSide));
