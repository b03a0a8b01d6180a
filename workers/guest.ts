/** The guest worker's entry. */
import { serveControl } from "../src/machine/control.ts";
import { createGuestSide } from "../src/machine/guest-side.ts";

await serveControl(createGuestSide);
