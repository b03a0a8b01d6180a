/** A device thread: posts every vector and line, in a pseudo-random order, as often as told. */
import { parentPort, workerData } from "node:worker_threads";
import { attachMemory, type SharedBuffer } from "../../src/memory/attach.ts";
import { INTX_LINES } from "../../src/memory/plan.ts";
import { DONE, POSTED, SOURCES, VECTORS } from "./interrupts.data.ts";
import { ControlPage } from "./mailbox-parts.ts";

const { buffer, posts } = workerData.data as { buffer: SharedBuffer; posts: number };
const page = new ControlPage(attachMemory(buffer));
parentPort?.postMessage("ready");
let random = 1;
for (let count = 0; count < posts; count++) {
  random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
  const source = (random >>> 16) % SOURCES;
  page.memory.add32(page.spare(POSTED + source), 1, 0);
  if (source < VECTORS) page.controller.post(source);
  else page.controller.postLine((source - VECTORS) % INTX_LINES);
}
page.memory.store32(page.spare(DONE), 1, 0);
page.cpuBell.ring();
