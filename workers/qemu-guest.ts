/** The entry of a guest worker whose machine is QEMU. */
import { createQemuGuestSide } from "../src/foreign/qemu/guest-side.ts";
import { serveControl } from "../src/machine/control.ts";

await serveControl(createQemuGuestSide);
