/**
 * virtio-rng, the smallest device there is: the driver offers empty buffers, the device fills them with random bytes
 * [virtio 1.4, 5.4]. Read it as the way to write your own.
 *
 * A device is a definition (what it is called, what can be set) that creates models. A model says which queues it
 * has and what to do when the driver kicks one. Everything else, from registers to interrupts, is the host's.
 */
import {
  type Chain,
  type DeviceContext,
  type DeviceModel,
  type DeviceQueue,
  defineDevice,
} from "../host/index.ts";
import { Random } from "../wire/random.ts";
import { VIRTIO_TYPE } from "../wire/virtio-ids.ts";

/** A driver may offer more than anyone wants at once; a device may fill less than it was offered. */
const BYTES_PER_REQUEST_MAX = 65536;

type Fill = (bytes: Uint8Array) => void;

export default defineDevice({
  name: "rng",
  virtioId: VIRTIO_TYPE.rng.id,
  summary: "entropy source",
  options: {
    source: { type: ["crypto", "seeded"], help: "where the bytes come from", default: "crypto" },
    seed: { type: "number", help: "seed of source=seeded", default: 1 },
  },
  create({ source, seed }, platform) {
    const random = new Random(Number(seed ?? 1));
    return entropy(
      source === "seeded" ? (bytes) => random.fill(bytes) : (bytes) => platform.randomFill(bytes),
    );
  },
});

function entropy(fill: Fill): DeviceModel {
  return {
    features: 0,
    queues: [{ name: "requests" }],
    // Serve until the queue is empty: the driver need not kick again for what it adds meanwhile.
    queueNotified: (queue, context) => queue.serve((chain) => answer(queue, chain, context, fill)),
  };
}

/** One buffer: fill it, and give it back with the number of bytes that are in it now. */
function answer(queue: DeviceQueue, chain: Chain, context: DeviceContext, fill: Fill): void {
  if (chain.writableBytes === 0) {
    // The driver's mistake is reported, and its buffer returned all the same.
    context.violated({ kind: "request-format", queue: queue.index, detail: "no writable bytes to fill" });
    queue.push(chain, 0);
    return;
  }
  const bytes = new Uint8Array(Math.min(chain.writableBytes, BYTES_PER_REQUEST_MAX));
  fill(bytes);
  queue.push(chain, chain.write(0, bytes));
}
