/** The console driver: finds the queues of every port there may be, stocks them, and hands out a `Console`. */
import { defineDriver } from "../../guest/define.ts";
import { ProbeError } from "../../guest/probe-error.ts";
import type { QueueRequest, VirtioDevice } from "../../guest/virtio/types.ts";
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { getU32 } from "../../wire/bytes.ts";
import {
  CONSOLE_CONFIG,
  CONSOLE_FEATURE,
  CONSOLE_PORTS_MAX,
  CONTROL_RX_QUEUE,
  CONTROL_TX_QUEUE,
  consoleQueueCount,
  rxQueueOf,
  txQueueOf,
} from "../../wire/console.ts";
import { featureMask, hasFeature } from "../../wire/features.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { Console, type Line } from "./console.ts";
import { Control } from "./control.ts";
import { type Buffer, Input } from "./input.ts";
import { Output, type Piece } from "./output.ts";

/** Of each port: enough to keep a fast sender busy, and little enough for 31 ports. */
const BUFFERS = { buffers: 8, bytes: 2048 };

/** Filled in by steps: an interrupt may come as soon as there are queues. */
interface Probe {
  console?: Console;
  control?: Control;
  readonly lines: Line[];
}

export const console = defineDriver<Console>({
  name: "virtio_console",
  deviceId: VIRTIO_TYPE.console.id,
  features: featureMask(CONSOLE_FEATURE.SIZE, CONSOLE_FEATURE.MULTIPORT, CONSOLE_FEATURE.EMERG_WRITE),
  probe,
  remove(device, data) {
    device.transport.reset();
    data.remove("the console was removed");
    device.transport.deleteQueues();
  },
  configChanged: (_device, data) => data.configChanged(),
  outstanding: (data) => data.outstanding,
  awaitsInput: (data) => data.awaitsInput,
});

function probe(device: VirtioDevice): Console {
  const has = (feature: number) => hasFeature(device.features, feature);
  const multiport = has(CONSOLE_FEATURE.MULTIPORT);
  const ports = multiport ? readMaxPorts(device) : 1;
  const made: Probe = { lines: [] };
  const queues = device.transport.findQueues(queueRequests(ports, multiport, made));
  try {
    for (let id = 0; id < ports; id++) made.lines.push(makeLine(device, queues, id));
    if (multiport) {
      const receive: DriverQueue<Buffer> = queueAt(queues, CONTROL_RX_QUEUE);
      const transmit: DriverQueue<Piece> = queueAt(queues, CONTROL_TX_QUEUE);
      made.control = new Control(device.memory, { receive, transmit }, (message) =>
        made.console?.handle(message),
      );
    }
    made.console = new Console(device, {
      lines: made.lines,
      ...(made.control && { control: made.control }),
      hasSize: has(CONSOLE_FEATURE.SIZE),
      hasEmergencyWrite: has(CONSOLE_FEATURE.EMERG_WRITE),
    });
    made.console.start();
    return made.console;
  } catch (error) {
    undo(device, made);
    throw error;
  }
}

function readMaxPorts(device: VirtioDevice): number {
  const bytes = new Uint8Array(4);
  device.transport.getConfig(CONSOLE_CONFIG.maxPorts, bytes);
  const ports = getU32(bytes, 0);
  if (ports < 1) throw new ProbeError("EINVAL", "the console has room for no port");
  return Math.min(ports, CONSOLE_PORTS_MAX);
}

function queueRequests(ports: number, multiport: boolean, made: Probe): QueueRequest[] {
  const count = multiport ? consoleQueueCount(ports) : 2;
  const requests = new Array<QueueRequest>(count);
  for (let id = 0; id < ports; id++) {
    requests[rxQueueOf(id)] = { name: `input ${id}`, callback: () => inputArrived(made.lines[id]) };
    requests[txQueueOf(id)] = { name: `output ${id}`, callback: () => made.lines[id]?.output.collect() };
  }
  if (multiport) {
    requests[CONTROL_RX_QUEUE] = { name: "control input", callback: () => made.control?.received() };
    requests[CONTROL_TX_QUEUE] = { name: "control output", callback: () => made.control?.sent() };
  }
  return requests;
}

function inputArrived(line: Line | undefined): void {
  if (line?.input.collect()) line.port?.inputArrived();
  // A broken queue has no more to give: readers must not wait for it.
  if (line?.input.broken !== undefined) line.port?.remove(line.input.broken);
}

function makeLine(device: VirtioDevice, queues: readonly DriverQueue<never>[], id: number): Line {
  const input = new Input(device.memory, queueAt(queues, rxQueueOf(id)), BUFFERS);
  return { input, output: new Output(device.memory, queueAt(queues, txQueueOf(id))) };
}

/** A queue as its user's: tokens are what the user adds. */
function queueAt<Token>(queues: readonly DriverQueue<never>[], index: number): DriverQueue<Token> {
  const queue = queues[index];
  if (queue === undefined) throw new ProbeError("ENOENT", `no queue ${index}`);
  return queue as DriverQueue<unknown> as DriverQueue<Token>;
}

function undo(device: VirtioDevice, made: Probe): void {
  device.transport.reset();
  made.control?.destroy();
  for (const { input, output } of made.lines) {
    input.destroy();
    output.destroy();
  }
  device.transport.deleteQueues();
}
