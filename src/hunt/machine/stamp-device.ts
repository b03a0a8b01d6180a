/**
 * The device of the small scenarios: reads a sequence number and a stamp, answers the stamp. It keeps its own ledger:
 * each sequence number is executed once (O2), with a stamp that belongs to it (O3).
 */
import type { DeviceModel } from "../../host/device.ts";
import type { Chain, DeviceQueue } from "../../host/index.ts";
import { getU32, putU32 } from "../../wire/bytes.ts";
import { answerTo, REQUEST } from "../oracles/requests.ts";
import type { ThreadContext } from "../scenario.ts";

export const stampOf = (request: number, queue = 0): number => (0x1000_0000 * (queue + 1) + request) >>> 0;

export interface StampOptions {
  readonly queues?: number;
  /** How the queue is served; by default to the end, then answered at once. */
  readonly serve?: (queue: DeviceQueue, answer: (chain: Chain) => void) => void;
}

export function stampDevice(context: ThreadContext, options: StampOptions = {}): DeviceModel {
  const queues = options.queues ?? 1;
  const serve = options.serve ?? ((queue, answer) => queue.serve(answer));
  const executed = new Set<number>();
  const request = new Uint8Array(REQUEST.readableBytes);
  const answered = new Uint8Array(REQUEST.writableBytes);

  function answer(queue: DeviceQueue, chain: Chain): void {
    if (chain.read(0, request) < request.length) {
      context.fail("O3 stamps", `a request of ${chain.readableBytes} readable bytes`);
    }
    const [sequence, stamp] = [getU32(request, 0), getU32(request, 4)];
    if (stamp !== stampOf(sequence, queue.index)) {
      context.fail(
        "O3 stamps",
        `request ${sequence} of queue ${queue.index} carries stamp 0x${stamp.toString(16)}`,
      );
    }
    if (executed.has(stamp)) context.fail("O2 ownership", `request ${sequence} was executed twice`);
    executed.add(stamp);
    putU32(answered, 0, answerTo(stamp));
    queue.push(chain, chain.write(0, answered));
  }

  return {
    features: 0,
    queues: Array.from({ length: queues }, (_, index) => ({ name: `q${index}` })),
    queueNotified: (queue) => serve(queue, (chain) => answer(queue, chain)),
    describe: () => ({ executed: executed.size }),
  };
}
