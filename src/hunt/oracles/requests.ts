/**
 * The driver's request ledger: what was submitted, what came back, with what in it. Sees requests that never come
 * back (O1), come back twice or unasked (O2), carry another's answer (O3), or leak descriptors (O5).
 */
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import type { OracleName, ThreadContext } from "../scenario.ts";

/** What a device of the scenarios makes of a stamp: an answer that no other request has. */
export const answerTo = (stamp: number): number => (Math.imul(stamp, 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0;

export const REQUEST = {
  /** Device-readable: sequence number and stamp. */
  readableBytes: 8,
  /** Device-writable: the answer. */
  writableBytes: 4,
} as const;

/** Stands for the stamp of a request that the device cannot read. */
const MALFORMED = -1;

type Report = (oracle: OracleName, text: string) => void;

export class RequestLedger {
  readonly #context: ThreadContext;
  readonly #outstanding = new Map<number, number>();
  completed = 0;

  constructor(context: ThreadContext) {
    this.#context = context;
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }

  submitted(request: number, stamp: number): void {
    this.#outstanding.set(request, stamp);
  }

  /** One that the device must give back with nothing written. */
  submittedMalformed(request: number): void {
    this.#outstanding.set(request, MALFORMED);
  }

  /** The device gave a request back: with `length` bytes, of which the first four are `answer`. */
  returned(request: number, length: number, answer: number): void {
    const stamp = this.#outstanding.get(request);
    if (stamp === undefined) {
      this.#context.fail("O2 ownership", `request ${request} came back, but was not outstanding`);
    }
    this.#outstanding.delete(request);
    this.completed++;
    if (stamp === MALFORMED) {
      if (length !== 0)
        this.#context.fail("O3 stamps", `malformed request ${request} came back with ${length} bytes`);
      return;
    }
    if (length !== REQUEST.writableBytes) {
      this.#context.fail("O3 stamps", `request ${request} came back with ${length} bytes written`);
    }
    if (answer !== answerTo(stamp)) {
      this.#context.fail(
        "O3 stamps",
        `request ${request} (stamp 0x${stamp.toString(16)}) came back with another's answer 0x${answer.toString(16)}`,
      );
    }
  }

  /** They will not come back: the device was reset. */
  cancelled(request: number): void {
    if (!this.#outstanding.delete(request)) {
      this.#context.fail("O2 ownership", `request ${request} was cancelled, but was not outstanding`);
    }
  }

  judge(queue: DriverQueue, report: Report): void {
    if (queue.broken !== undefined) report("O2 ownership", `the driver gave the queue up: ${queue.broken}`);
    else if (this.#outstanding.size > 0) {
      const requests = [...this.#outstanding.keys()].join(", ");
      report("O1 quiescence", `everybody sleeps, and request ${requests} never came back`);
    }
    if (queue.inFlight !== this.#outstanding.size) {
      report("O5 conservation", `${queue.inFlight} buffers in flight for ${this.#outstanding.size} requests`);
    }
    if (queue.inFlight === 0 && queue.freeDescriptors !== queue.size) {
      report(
        "O5 conservation",
        `nothing in flight, but ${queue.freeDescriptors} of ${queue.size} descriptors free`,
      );
    }
  }
}
