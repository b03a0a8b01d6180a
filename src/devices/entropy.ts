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
  UsageError,
} from "../host/index.ts";
import { isSeed, Random, SEED_MAX } from "../wire/random.ts";
import { VIRTIO_TYPE } from "../wire/virtio-ids.ts";
import { RateLimit } from "./rate-limit.ts";

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
    rate: { type: "size", help: "most bytes per second; unlimited without it" },
  },
  create({ source, seed, rate }, platform) {
    if (rate !== undefined && !(Number(rate) >= 1)) {
      throw new UsageError(`rng: expected a rate of at least 1 byte per second, found ${rate}`);
    }
    if (!isSeed(Number(seed ?? 1)))
      throw new UsageError(`rng: expected seed to be a whole number from 0 to ${SEED_MAX}, found ${seed}`);
    const random = new Random(Number(seed ?? 1));
    const fill: Fill =
      source === "seeded" ? (bytes) => random.fill(bytes) : (bytes) => platform.randomFill(bytes);
    return entropy(fill, rate === undefined ? undefined : new RateLimit(Number(rate), platform));
  },
});

function entropy(fill: Fill, limit: RateLimit | undefined): DeviceModel {
  /** Requests in the order they came: those that the rate does not allow yet stay here. */
  const waiting: { readonly queue: DeviceQueue; readonly chain: Chain }[] = [];

  function answerWaiting(context: DeviceContext): void {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const { queue, chain } = next;
      const wanted = Math.min(chain.writableBytes, BYTES_PER_REQUEST_MAX);
      const bytes = new Uint8Array(limit?.take(wanted) ?? wanted);
      if (bytes.length === 0) {
        limit?.later(() => answerLater(context));
        return;
      }
      fill(bytes);
      // Given back with the number of bytes that are in it now.
      if (!queue.detached) queue.push(chain, chain.write(0, bytes));
      waiting.shift();
    }
  }

  /** Past the driver's kick: the device may be asleep, and nobody else publishes what was pushed. */
  function answerLater(context: DeviceContext): void {
    if (!context.busMaster) return;
    const queue = waiting[0]?.queue;
    answerWaiting(context);
    queue?.flush();
  }

  return {
    features: 0,
    queues: [{ name: "requests" }],
    queueNotified(queue, context) {
      // Serve until the queue is empty: the driver need not kick again for what it adds meanwhile.
      queue.serve((chain) => {
        if (chain.writableBytes > 0) waiting.push({ queue, chain });
        else refuse(queue, chain, context);
        answerWaiting(context);
      });
    },
    mastering: answerLater,
    reset() {
      waiting.length = 0;
      limit?.cancel();
    },
    close: () => limit?.cancel(),
    describe: () => ({ waiting: waiting.length }),
  };
}

/** The driver's mistake is reported, and its buffer returned all the same. */
function refuse(queue: DeviceQueue, chain: Chain, context: DeviceContext): void {
  context.violated({ kind: "request-format", queue: queue.index, detail: "no writable bytes to fill" });
  queue.push(chain, 0);
}
