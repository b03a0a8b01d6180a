/**
 * The device of the small scenarios: reads a sequence number and a stamp, answers the stamp. It keeps its own ledger:
 * each stamp is executed once (O2), and belongs to its sequence number (O3). `LateDevice` answers in a later turn, in
 * an order that the schedule draws, as a device with a back-end does.
 */
import type { DeviceContext, DeviceModel, QueueSpec } from "../../host/device.ts";
import type { Chain, DeviceQueue } from "../../host/index.ts";
import { getU32, putU32 } from "../../wire/bytes.ts";
import { answerTo, REQUEST } from "../oracles/requests.ts";
import type { ThreadContext } from "../scenario.ts";

export const stampOf = (request: number, queue = 0): number => (0x1000_0000 * (queue + 1) + request) >>> 0;

/** What is being read and written now: a device has one thread, and a thread one device at work. */
const request = new Uint8Array(REQUEST.readableBytes);
const answer = new Uint8Array(REQUEST.writableBytes);
const NO_CONFIG = new Uint8Array(0);

export class StampDevice implements DeviceModel {
  readonly features = 0;
  readonly queues: readonly QueueSpec[];
  readonly config: Uint8Array;
  /** Times that the driver said DRIVER_OK, since the last reset. */
  starts = 0;
  readonly context: ThreadContext;
  protected readonly executed = new Set<number>();

  constructor(context: ThreadContext, queues = 1, config = NO_CONFIG) {
    this.context = context;
    this.queues = Array.from({ length: queues }, (_, index) => ({ name: `q${index}` }));
    this.config = config;
  }

  queueNotified(queue: DeviceQueue, _context: DeviceContext): void {
    // Strict: before DRIVER_OK a kick means nothing. A late one of an earlier life may come then.
    if (this.starts === 0) return;
    queue.serve((chain) => this.handle(queue, chain));
  }

  started(_context: DeviceContext): void {
    if (++this.starts > 1) this.context.fail("O2 ownership", "the device was started twice");
  }

  reset(_context: DeviceContext): void {
    this.starts = 0;
  }

  describe() {
    return { executed: [...this.executed] };
  }

  /** One chain; by default answered at once. */
  protected handle(queue: DeviceQueue, chain: Chain): void {
    this.answer(queue, chain);
  }

  /** Executes the request and gives its chain back. */
  protected answer(queue: DeviceQueue, chain: Chain): void {
    if (queue.inFlight > queue.size || queue.inFlight < 0) {
      this.context.fail("O4 ring", `the device counts ${queue.inFlight} chains in flight of ${queue.size}`);
    }
    if (chain.readableBytes !== REQUEST.readableBytes) {
      this.reject(queue, chain);
      return;
    }
    chain.read(0, request);
    const [sequence, stamp] = [getU32(request, 0), getU32(request, 4)];
    if (stamp !== stampOf(sequence, queue.index)) {
      this.context.fail(
        "O3 stamps",
        `request ${sequence} of queue ${queue.index} carries stamp 0x${stamp.toString(16)}`,
      );
    }
    if (this.executed.has(stamp)) this.context.fail("O2 ownership", `request ${sequence} was executed twice`);
    this.executed.add(stamp);
    putU32(answer, 0, answerTo(stamp));
    queue.push(chain, chain.write(0, answer));
  }

  /** A request that makes no sense goes back with nothing written. */
  protected reject(queue: DeviceQueue, chain: Chain): void {
    queue.push(chain, 0);
  }
}

export class LateDevice extends StampDevice {
  readonly #waiting: { queue: DeviceQueue; chain: Chain }[] = [];

  protected override handle(queue: DeviceQueue, chain: Chain): void {
    this.#waiting.push({ queue, chain });
  }

  /** A turn of the back-end: one of the requests that wait is done. False: there is none. */
  complete(): boolean {
    const [done] = this.#waiting.splice(this.context.draw(this.#waiting.length), 1);
    if (done === undefined) return false;
    this.finish(done.queue, done.chain);
    return true;
  }

  protected finish(queue: DeviceQueue, chain: Chain): void {
    // After a reset the chain's memory is the driver's again.
    if (queue.detached) return;
    this.answer(queue, chain);
    queue.flush();
  }
}

/** Starts with its gate shut, as after a restore whose event the driver has not seen; a reset opens it. */
export class GatedDevice extends StampDevice {
  protected opened = false;

  override reset(context: DeviceContext): void {
    super.reset(context);
    this.open();
  }

  protected open(): void {
    this.opened = true;
  }

  protected override handle(queue: DeviceQueue, chain: Chain): void {
    if (this.opened) this.answer(queue, chain);
  }
}
