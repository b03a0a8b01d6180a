/** An entropy source of which one thread, the host's first or an I/O thread, takes its time to say how it is. */
import { type DevicePart, type DeviceQueue, defineDevice } from "../../src/host/index.ts";

const TELL_MS = 1000;

function slowly(): Record<string, unknown> {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TELL_MS);
  return {};
}

const fill = (queue: DeviceQueue): void =>
  queue.serve((chain) => queue.push(chain, chain.fill(0, chain.writableBytes, 1)));

export default defineDevice({
  name: "slow-to-tell",
  virtioId: 4,
  summary: "takes its time to describe itself",
  options: { slow: { type: ["host", "part"], help: "which thread", default: "host" } },
  create: ({ slow }) => ({
    features: 0,
    queues: [{ name: "requests" }],
    parts: { queues: [0], share: slow },
    queueNotified: fill,
    describe: () => (slow === "host" ? slowly() : {}),
  }),
  createPart: (slow): DevicePart => ({
    queueNotified: fill,
    describe: () => (slow === "part" ? slowly() : {}),
  }),
});
