/** An I/O worker's entry: a host thread beside the host worker's. */
import { serveControl } from "../src/machine/control.ts";
import { createIoSide } from "../src/machine/io-side.ts";
import { prepared } from "../src/machine/prepare.ts";

await serveControl(prepared("io", createIoSide));
