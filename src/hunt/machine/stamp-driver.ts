/**
 * The driver of the small scenarios: submits stamped requests on one queue and collects their answers in its
 * interrupt handler, in the way that every driver of this project does it. Where the queue comes from is the
 * scenario's business.
 */
import type { DriverQueue } from "../../guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../../guest/virtqueue/scatter-list.ts";
import { ringLayout } from "../../wire/ring.ts";
import { site } from "../../wire/sites.ts";
import { REQUEST, RequestLedger } from "../oracles/requests.ts";
import type { Ending, OracleName, ThreadContext } from "../scenario.ts";
import type { GuestCpu } from "./guest-cpu.ts";
import { stampOf } from "./stamp-device.ts";
import type { TransportGuest } from "./transport.ts";

const BUFFER = site("driver: buffer");
const REQUEST_BYTES = 16;

export interface StampDriverOptions {
  /** First byte for request buffers. */
  readonly buffers: number;
  /** Where the queue's ring lies: for oracles that look at the bytes around it. */
  readonly ring?: number;
  readonly delayedCallbacks?: boolean;
}

/** What a malformed request looks like in the ledger: it comes back with nothing. */
const MALFORMED_BYTES = 4;

export class StampDriver {
  readonly ledger: RequestLedger;
  interrupts = 0;
  protected readonly context: ThreadContext;
  readonly #cpu: GuestCpu;
  readonly #options: StampDriverOptions;
  readonly #list = new ScatterList();
  #queue: DriverQueue<number> | undefined;
  #next = 0;

  constructor(context: ThreadContext, cpu: GuestCpu, options: StampDriverOptions) {
    this.context = context;
    this.#cpu = cpu;
    this.#options = options;
    this.ledger = new RequestLedger(context);
  }

  get queue(): DriverQueue<number> {
    if (this.#queue === undefined) throw new Error("the driver has no queue yet");
    return this.#queue;
  }

  attach(queue: DriverQueue<number>): this {
    this.#queue = queue;
    return this;
  }

  /** Adds requests and kicks once. Interrupts must be off. False: the ring took fewer. */
  submit(count: number): boolean {
    const added = this.add(count);
    this.queue.kick();
    return added === count;
  }

  /** Adds requests without telling anybody; how many fitted. */
  add(count: number): number {
    const { memory } = this.context.ram;
    for (let added = 0; added < count; added++) {
      const request = this.#next;
      const address = this.#address(request);
      const offset = address - this.context.ram.base;
      const stamp = stampOf(request, this.queue.index);
      memory.write32(offset, request, BUFFER);
      memory.write32(offset + 4, stamp, BUFFER);
      this.#list.clear().addReadable(address, REQUEST.readableBytes);
      this.#list.addWritable(address + REQUEST.readableBytes, REQUEST.writableBytes);
      if (!this.queue.add(this.#list, request)) return added;
      this.ledger.submitted(request, stamp);
      this.#next++;
    }
    return count;
  }

  /** A request that the device must refuse. */
  submitMalformed(): void {
    const request = this.#next++;
    this.#list.clear().addReadable(this.#address(request), MALFORMED_BYTES);
    if (this.queue.add(this.#list, request)) this.ledger.submittedMalformed(request);
    this.queue.kick();
  }

  /** The interrupt handler: everything that has come back, then once more after asking for the next interrupt. */
  collect(): void {
    const { queue } = this;
    this.interrupts++;
    do {
      queue.disableCallbacks();
      this.reap();
      if (queue.broken !== undefined) return;
    } while (!(this.#options.delayedCallbacks ? queue.enableCallbacksDelayed() : queue.enableCallbacks()));
  }

  /** What has come back now; how many. */
  reap(): number {
    const { queue } = this;
    let reaped = 0;
    for (let request = queue.get(); request !== undefined; request = queue.get()) {
      const offset = this.#address(request) - this.context.ram.base + REQUEST.readableBytes;
      const answer = this.context.ram.memory.read32(offset, BUFFER);
      this.ledger.returned(request, queue.lastLength, answer);
      reaped++;
    }
    return reaped;
  }

  /** Sleeps until no more than `left` requests are out. */
  settle(left = 0): void {
    while (this.ledger.outstanding > left && this.queue.broken === undefined) this.#cpu.idle();
  }

  /** Sleeps until so many descriptors are free. */
  awaitRoom(descriptors: number): void {
    while (this.queue.freeDescriptors < descriptors && this.queue.broken === undefined) this.#cpu.idle();
  }

  /** After a reset: everything that was out is the driver's again. */
  cancelAll(): void {
    for (
      let request = this.queue.detachUnused();
      request !== undefined;
      request = this.queue.detachUnused()
    ) {
      this.ledger.cancelled(request);
    }
  }

  /** The device takes too long: reset it, take everything back, and start it again. */
  giveUp(guest: TransportGuest): void {
    guest.leave(this);
    guest.bringUp(this);
  }

  judge(ending: Ending, report: (oracle: OracleName, text: string) => void): void {
    if (ending !== "quiescent" || this.#queue === undefined) return;
    this.ledger.judge(this.#queue as DriverQueue, report);
    const { ring } = this.#options;
    if (ring === undefined) return;
    const end = ring - this.context.ram.base + ringLayout(this.queue.size).availEvent;
    if (this.context.quietRam.peek32(end + 4) !== 0)
      report("O4 ring", "the device wrote behind the used ring");
    // Without event index the two bytes behind the used ring are not the device's either.
    if (this.queue.usesEventIndex) return;
    const behind = this.context.quietRam.peek16(end);
    if (behind !== 0) report("O2 ownership", "the device wrote an event index that was not negotiated");
  }

  describe() {
    return {
      outstanding: this.ledger.outstanding,
      completed: this.ledger.completed,
      interrupts: this.interrupts,
      queue: this.#queue?.describe() ?? null,
      counters: { ...this.#queue?.counters },
    };
  }

  /** Buffers go round: as many as can be in flight, and one more. */
  #address(request: number): number {
    return this.#options.buffers + REQUEST_BYTES * (request % (this.queue.size + 1));
  }
}
