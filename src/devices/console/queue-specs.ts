/** The queues of a console and what diagnostics call them. */
import type { QueueSpec } from "../../host/index.ts";
import { CONTROL_RX_QUEUE, CONTROL_TX_QUEUE, consoleQueueCount, portOfQueue } from "../../wire/console.ts";

export function queueSpecs({ multiport, maxPorts }: { multiport: boolean; maxPorts: number }): QueueSpec[] {
  const count = multiport ? consoleQueueCount(maxPorts) : 2;
  const direction = ["receive", "transmit"] as const;
  return Array.from({ length: count }, (_, index) => {
    const whose =
      index === CONTROL_RX_QUEUE || index === CONTROL_TX_QUEUE ? "control" : `port ${portOfQueue(index)}`;
    return { name: `${whose} ${direction[index % 2 === 0 ? 0 : 1]}` };
  });
}
