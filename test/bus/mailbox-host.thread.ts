/** A host that serves a RegisterFile and counts kicks, until the run state says stop. */
import { parentPort, workerData } from "node:worker_threads";
import { attachMemory, type SharedBuffer } from "../../src/memory/attach.ts";
import { BEFORE_KICK_PORT, OVERTAKEN, QUEUES, RUNS, SERVED } from "./mailbox-host.data.ts";
import { ControlPage } from "./mailbox-parts.ts";
import { RegisterFile } from "./register-file.ts";

const page = new ControlPage(attachMemory(workerData.data as SharedBuffer));
const { memory, hostBell } = page;
const server = page.server();
const kicks = page.kickReceiver();
const registers = new RegisterFile(memory, page.spare(SERVED));
const writes = new Array<number>(QUEUES).fill(0);
const runs = new Array<number>(QUEUES).fill(0);
const handler = {
  portRead: registers.portRead.bind(registers),
  portWrite: (port: number, width: 1 | 2 | 4, value: number) => {
    if (port === BEFORE_KICK_PORT) writes[value] = (writes[value] ?? 0) + 1;
    else registers.portWrite(port, width, value);
  },
  mmioRead: registers.mmioRead.bind(registers),
  mmioWrite: registers.mmioWrite.bind(registers),
};

const stopped = () => memory.load32(page.plan.runState, 0) !== 0;
parentPort?.postMessage("ready");
while (!stopped()) {
  const kicked: number[] = [];
  kicks.take((_, queue) => kicked.push(queue));
  const served = server.serve(handler);
  for (const queue of kicked) {
    runs[queue] = (runs[queue] ?? 0) + 1;
    memory.store32(page.spare(RUNS + queue), runs[queue], 0);
    if ((runs[queue] ?? 0) > (writes[queue] ?? 0)) memory.store32(page.spare(OVERTAKEN), 1, 0);
  }
  if (served + kicked.length > 0) continue;
  const ticket = hostBell.announce();
  if (server.pending() || kicks.pending() || stopped()) hostBell.cancel();
  else hostBell.sleep(ticket, 10_000);
}
